"""Miniature copies of what Kaggle publishes beside GTZAN's audio: mel pictures and a table."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genrecls.datasets.gtzan import GENRES
from genrecls.features.summary import COLUMNS as SUMMARY

WIDTH, HEIGHT = 432, 288
LEFT, TOP, COLUMNS, ROWS = 54, 35, 336, 218
SAMPLES = 661_794
"""Length of most clips, as the table gives it."""
HEADER = ("filename", "length", *SUMMARY, "label")
# The published files have a palette of 241 colours: dark blue to light yellow, and white.
_WHITE = 240


def make_copy(root: Path, tracks_per_genre: int) -> None:
    """Write `images_original` and `features_30_sec.csv` of all ten genres below `root`.

    A genre shows in its pictures as a bright band of its own and in its rows as a shift of all
    features, both under noise; the same call always writes the same.
    """
    rows = []
    for position, genre in enumerate(GENRES):
        folder = root / "images_original" / genre
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(tracks_per_genre):
            rng = np.random.default_rng([position, number])
            write_picture(folder / f"{genre}{number:05d}.png", _spectrogram(position, rng))
            rows.append(table_row(genre, number, position + rng.normal(0, 0.5, 57)))
    write_table(root / "features_30_sec.csv", rows)


def write_picture(path: Path, spectrogram: NDArray[np.uint8]) -> None:
    """Write a published picture: colours of a palette inside a white margin.

    Args:
        path: the PNG.
        spectrogram: shape (218, 336), rows from high to low frequency, 0 (soft) to 239 (loud).
    """
    indices = np.full((HEIGHT, WIDTH), _WHITE, np.uint8)
    indices[TOP : TOP + ROWS, LEFT : LEFT + COLUMNS] = spectrogram
    picture = Image.fromarray(indices, "L")
    picture.putpalette(palette().tobytes())
    picture.save(path)


def palette() -> NDArray[np.uint8]:
    """Return the colours, shape (241, 3), the louder the lighter."""
    shade = np.linspace(0, 1, _WHITE)
    ramp = np.stack([255 * shade**0.7, 240 * shade**1.5, 60 + 130 * shade], axis=1)
    return np.concatenate([ramp, [[255, 255, 255]]]).astype(np.uint8)


def table_row(genre: str, number: int, values: NDArray[np.float64]) -> list[Any]:
    """Return a line of the table."""
    return [f"{genre}.{number:05d}.wav", SAMPLES, *values.tolist(), genre]


def write_table(path: Path, rows: list[list[Any]]) -> None:
    """Write the table as pandas does."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerows([HEADER, *rows])


def _spectrogram(position: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a picture that is loud in one tenth of the rows and swings with time."""
    shades = rng.uniform(0, 120, (ROWS, COLUMNS))
    height = ROWS // len(GENRES)
    shades[position * height : (position + 1) * height] += 100
    shades *= 0.75 + 0.25 * np.sin(np.arange(COLUMNS) * (position + 1) / 20)
    return shades.astype(np.uint8)
