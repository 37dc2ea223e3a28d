"""Generated stand-ins for the data sets of the published presets: noise where they have music."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np
import soundfile

from tests.datasets.fma_copy import Clip, clip_path, write_metadata

RATE = 22050
GTZAN_SAMPLES = 661_794
FOUR_GENRES = ("Electronic", "Rock", "Hip-Hop", "Folk")
"""Those of bisarahalli2021."""


def make_gtzan(root: Path, genres: Iterable[str], tracks_per_genre: int) -> None:
    """Write tracks of GTZAN's length and format, with its names."""
    for number, genre in product(range(tracks_per_genre), genres):
        path = root / "genres" / genre / f"{genre}.{number:05d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_noise(path, GTZAN_SAMPLES)


def make_fma(root: Path) -> None:
    """Write a clip of each of the four genres in each of the official parts.

    They belong to the small subset and so to the medium one, among whose clips they are.
    """
    parts = ("training", "validation", "test")
    clips = [
        Clip(number, genre, split=part, artist=f"{number}")
        for number, (part, genre) in enumerate(product(parts, FOUR_GENRES))
    ]
    write_metadata(root / "fma_metadata" / "tracks.csv", clips)
    for clip in clips:
        path = clip_path(root / "fma_medium", clip.number)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_noise(path, 30 * RATE)


def _write_noise(path: Path, samples: int) -> None:
    """Write noise that no other file has."""
    rng = np.random.default_rng([*path.name.encode()])
    soundfile.write(path, rng.uniform(-0.5, 0.5, samples), RATE)
