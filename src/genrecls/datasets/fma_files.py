"""The files of a copy of FMA: its clips, their published digests, and `tracks.csv`.

`tracks.csv` has a row a track under three header lines (Defferrard et al. 2017): the first holds
the group of each column (`album`, `artist`, `set`, `track`), the second its name, the third only
`track_id`.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Literal, TextIO

from genrecls.errors import DataError

_CLIP = re.compile(r"(?:.*/)?(?P<folder>\d{3})/(?P<track>(?P=folder)\d{3})\.mp3", re.ASCII)
_CHECKSUM = re.compile(r"(?P<digest>[0-9a-f]{40}) [ *](?P<path>\S.*)", re.IGNORECASE)


def clip_path(clips: Path, track: str) -> Path:
    """Return where the clip of a track (six digits) is below the folder of all clips."""
    return clips / track[:3] / f"{track}.mp3"


def clips_on_disk(clips: Path) -> frozenset[str]:
    """Return the ids of the clips that are there; other files are ignored.

    Raises:
        DataError: a folder cannot be listed.
    """
    ids: set[str] = set()
    try:
        for folder in clips.glob("[0-9][0-9][0-9]/"):
            with os.scandir(folder) as entries:
                ids |= {
                    entry.name[:6]
                    for entry in entries
                    if _CLIP.fullmatch(f"{folder.name}/{entry.name}") and entry.is_file()
                }
    except OSError as error:
        raise DataError(f"cannot list {error.filename}: {error.strerror}") from None
    return frozenset(ids)


def read_checksums(clips: Path) -> dict[str, str] | None:
    """Return the published SHA-1 of each clip by track id, as `sha1:<digits>`; None without a file.

    Raises:
        DataError: a line is not as `sha1sum` writes it; names file and line.
    """
    file = clips / "checksums"
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise DataError(f"cannot read {file}: {reason}; {_advice(clips)}") from None
    published = {}
    for number, line in enumerate(lines, start=1):
        match = _CHECKSUM.fullmatch(line.rstrip())
        if not match:
            raise DataError(
                f"{file}, line {number}: expected 40 hexadecimal digits, two spaces and the path "
                f"of a clip, received {line[:60]!r}; {_advice(clips)}"
            )
        published[match["path"]] = f"sha1:{match['digest'].lower()}"
    clips_of = ((_CLIP.fullmatch(path), digest) for path, digest in published.items())
    return {clip["track"]: digest for clip, digest in clips_of if clip}


def _advice(clips: Path) -> str:
    return (
        f"get {clips.absolute().name}.zip again and unpack it, or delete the file to do without "
        "published digests"
    )


Subset = Literal["small", "medium", "large"]
SUBSETS: tuple[Subset, ...] = ("small", "medium", "large")
PARTS = {"training": "train", "validation": "validation", "test": "test"}

_COLUMNS = (
    ("set", "subset"),
    ("set", "split"),
    ("track", "genre_top"),
    ("artist", "id"),
)
_EXPECTED = "expected FMA's own tracks.csv; unpack fma_metadata.zip again"
# Biographies and descriptions are whole web pages in the file.
_LONGEST_CELL = 10_000_000


@dataclass(frozen=True)
class FmaTrack:
    """What `tracks.csv` says of one track.

    Attributes:
        id: six digits.
        subset: the smallest subset that has the track; the larger ones have it too.
        part: part of the official split: `train`, `validation` or `test`.
        genre: top genre; empty where the track has several or none.
        artist: number of the artist; None where it is not known.
    """

    id: str
    subset: str
    part: str
    genre: str
    artist: str | None


def read_metadata(file: Path) -> tuple[FmaTrack, ...]:
    """Return all tracks of a `tracks.csv`, in its order.

    Raises:
        DataError: it cannot be read, or a line is not as it should be; names that line.
    """
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            lines = _lines(file, stream)
            header = [cells for _, (_, cells) in zip(range(3), lines, strict=False)]
            picked = itemgetter(*_columns_of(file, header))
            tracks = {}
            for where, cells in lines:
                if len(cells) != len(header[0]):
                    raise DataError(
                        f"{where}: expected {len(header[0])} cells, received {len(cells)}; "
                        f"{_EXPECTED}"
                    )
                track = _track(where, cells[0], picked(cells))
                if track.id in tracks:
                    raise DataError(f"{where}: track {track.id} is listed twice; {_EXPECTED}")
                tracks[track.id] = track
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"cannot read {file.absolute()}: {reason}; {_EXPECTED}") from None
    finally:
        csv.field_size_limit(limit)
    return tuple(tracks.values())


def _lines(file: Path, stream: TextIO) -> Iterator[tuple[str, list[str]]]:
    """Yield the cells of each row with the place where it starts; cells may hold line breaks."""
    reader = csv.reader(stream, strict=True)
    start = 1
    try:
        for cells in reader:
            if cells:
                yield f"{file}, line {start}", cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{file}, line {start}: {error}; {_EXPECTED}") from None


def _columns_of(file: Path, header: Sequence[Sequence[str]]) -> list[int]:
    """Return the positions of the columns `_COLUMNS`, from the three lines of the header."""
    if len(header) < 3 or len(header[0]) != len(header[1]) or header[2][0] != "track_id":
        start = ",".join(chain.from_iterable(header))
        content = f"it starts with {start[:40]!r}" if start else "it is empty"
        raise DataError(
            f"{file}, lines 1 to 3: no header of groups, names and 'track_id', {content}; "
            f"{_EXPECTED}"
        )
    columns = list(zip(*header[:2], strict=True))
    for group, name in _COLUMNS:
        if (group, name) not in columns:
            raise DataError(f"{file}, lines 1 and 2: no column ({group}, {name}); {_EXPECTED}")
    return [columns.index(column) for column in _COLUMNS]


def _track(where: str, number: str, cells: Sequence[str]) -> FmaTrack:
    subset, split, genre, artist = (cell.strip() for cell in cells)
    if not (number.isascii() and number.isdigit() and len(number) <= 6):
        raise DataError(f"{where}: track id {number!r}; allowed: up to six digits; {_EXPECTED}")
    # Genres end up in tables, where a line break would start a row.
    if not genre.isprintable():
        raise DataError(f"{where}: genre {genre!r} holds a control character; {_EXPECTED}")
    for column, word, allowed in (("subset", subset, SUBSETS), ("split", split, PARTS)):
        if word not in allowed:
            raise DataError(
                f"{where}: {column} {word!r}; allowed: {', '.join(allowed)}; {_EXPECTED}"
            )
    return FmaTrack(f"{int(number):06d}", subset, PARTS[split], genre, artist or None)
