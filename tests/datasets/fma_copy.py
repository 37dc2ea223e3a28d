"""Miniature copies of FMA: a `tracks.csv` as it is published, and clips."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import soundfile

HEADER = (
    ["", "album", "artist", "artist", "artist", "set", "set", "track", "track"],
    ["", "title", "bio", "id", "name", "split", "subset", "genre_top", "title"],
    ["track_id"] + [""] * 8,
)
BIO = '<p>Born in "Lyon",\nplays:\r\n\r\nmusic</p>'


@dataclass(frozen=True)
class Clip:
    """What a line of `tracks.csv` says."""

    number: int
    genre: str = "Rock"
    subset: str = "small"
    split: str = "training"
    artist: str = "1"

    @property
    def line(self) -> list[str]:
        """The cells in the order of `HEADER`."""
        given = [self.split, self.subset, self.genre]
        return [str(self.number), "Album", BIO, self.artist, "Ann, Bo", *given, "A\ntitle"]


MINI = (
    Clip(2, "Rock", "small", "training", "1"),
    Clip(5, "Hip-Hop", "small", "validation", "2"),
    Clip(1000, "Folk", "small", "test", "3"),
    Clip(1001, "Jazz", "medium", "training", "4"),
    Clip(99134, "Rock", "small", "training", "5"),
    Clip(123456, "", "large", "training", "6"),
)


def write_metadata(file: Path, clips: Iterable[Clip] = MINI) -> None:
    """Write a `tracks.csv` as pandas does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerows([*HEADER, *(clip.line for clip in clips)])


def touch_clips(folder: Path, clips: Iterable[Clip] = MINI) -> None:
    """Make empty files where the clips should be."""
    for clip in clips:
        path = clip_path(folder, clip.number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write_checksums(folder: Path) -> None:
    """Write the `checksums` of the clips that are there, as the archives have it."""
    with (folder / "checksums").open("w", encoding="utf-8") as file:
        for clip in sorted(folder.glob("[0-9][0-9][0-9]/*.mp3")):
            digest = hashlib.sha1(clip.read_bytes(), usedforsecurity=False).hexdigest()
            file.write(f"{digest}  {clip.relative_to(folder).as_posix()}\n")


def write_sounding_copy(root: Path, *broken: Clip) -> None:
    """Write a copy with two genres in each part: noise that FMA accepts, and `broken` clips."""
    pairs = product(("training", "validation", "test"), ("Folk", "Rock"))
    sound = [Clip(n, genre, split=split, artist=f"{n}") for n, (split, genre) in enumerate(pairs)]
    write_metadata(root / "fma_metadata" / "tracks.csv", [*sound, *broken])
    touch_clips(root / "fma_small", [*sound, *broken])
    for clip, noise in zip(sound, _noises(len(sound)), strict=True):
        clip_path(root / "fma_small", clip.number).write_bytes(noise)


@cache
def _noises(count: int) -> list[bytes]:
    """Return clips of 30 s, all of them different, encoded once for all copies."""
    rng = np.random.default_rng(0)
    files = [BytesIO() for _ in range(count)]
    for file in files:
        soundfile.write(file, rng.uniform(-0.5, 0.5, 30 * 11025), 11025, format="MP3")
    return [file.getvalue() for file in files]


def clip_path(folder: Path, number: int) -> Path:
    """Return where FMA has the clip of a track."""
    return folder / f"{number // 1000:03d}" / f"{number:06d}.mp3"
