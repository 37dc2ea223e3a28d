"""`gtzan_kaggle_pictures` and `gtzan_kaggle_table`: what Kaggle publishes beside GTZAN's audio.

The pictures (999: that of jazz.00054 is missing) and the table of 57 summary features (1000 rows)
are read as they are; steiner2023 worked on them. Tracks, genres, artists and published partitions
are those of GTZAN.
"""

from __future__ import annotations

import csv
import re
import struct
import zlib
from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from genrecls.datasets.base import DATASETS, Dataset, DatasetSource, Medium, Provenance, Track
from genrecls.datasets.gtzan import GENRES
from genrecls.datasets.gtzan import PROVENANCE as GTZAN
from genrecls.datasets.gtzan_facts import gtzan_facts
from genrecls.dsp.audio_limits import AudioRejected
from genrecls.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZE = (432, 288)
"""Width and height of a published picture in pixels."""
COLUMNS, ROWS = 336, 218
"""Width (time) and height (mel frequency) of the spectrogram in it."""
_LEFT, _TOP = 54, 35
# Which of them a damaged file raises depends on the byte that is wrong.
_DAMAGE = (OSError, SyntaxError, ValueError, struct.error, zlib.error)


def read_picture(path: Path) -> NDArray[np.float32]:
    """Return the spectrogram of a published picture as shades of grey, 0 to 1.

    Colours become grey by their luma (ITU-R BT.601), as steiner2023's conversion does.

    Returns:
        Shape (336, 218): columns from the first to the last, rows from low to high frequency.

    Raises:
        AudioRejected: the file is no such picture.
    """
    import numpy as np
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as picture:
            if picture.size != SIZE:
                size = " x ".join(map(str, picture.size))
                raise AudioRejected(
                    path, "unreadable", f"expected a picture of 432 x 288 pixels, found {size}"
                )
            box = (_LEFT, _TOP, _LEFT + COLUMNS, _TOP + ROWS)
            grey = np.asarray(picture.convert("RGB").crop(box).convert("L"), np.float32)
    except FileNotFoundError:
        raise AudioRejected(path, "missing", "there is no such picture") from None
    except (*_DAMAGE, Image.DecompressionBombError) as error:
        # What is wrong inside a picture has no number of the operating system.
        reason = getattr(error, "strerror", None) or "expected a PNG, found none or a damaged one"
        raise AudioRejected(path, "unreadable", reason) from None
    return np.ascontiguousarray(grey[::-1].T) / np.float32(255)


TABLE = "features_30_sec.csv"
N_COLUMNS = 57
# Features are single precision, of which this is the largest number.
_LARGEST = (2 - 2**-23) * 2.0**127
_PICTURE = re.compile(r"(?P<genre>[a-z]+)\.?(?P<number>\d{5})")
_PROVENANCE = Provenance(
    title="GTZAN genre collection, mel pictures and summary features of the Kaggle copy",
    citation=GTZAN.citation,
    licence=GTZAN.licence,
    urls=GTZAN.urls[:1],
    note=GTZAN.note,
)


@dataclass(frozen=True)
class GtzanKaggle(DatasetSource, ABC):
    """What both have in common."""

    offers: ClassVar[tuple[str, ...]] = ("fault_filtered", "artist_folds")
    provenance: ClassVar[Provenance | None] = _PROVENANCE

    @property
    def track_seconds(self) -> float | None:
        """GTZAN's clips last 30 s."""
        return 30.0

    def folder(self, data_root: Path) -> Path:
        """Return the folder of the copy, which holds both."""
        return super().folder(data_root) if self.root else data_root / "gtzan_kaggle"

    def _place(self, data_root: Path, wanted: str) -> Path:
        """Return the folder that holds `wanted`, which the archive has below `Data`."""
        root = self.folder(data_root)
        for folder in (root, root / "Data"):
            if (folder / wanted).exists():
                return folder
        raise DataError(
            f"dataset={self.name}: no {wanted} in {root.absolute()} (nor in its folder Data); get "
            f"it from {_PROVENANCE.urls[0]} and unpack it there, or set dataset.root=<folder>"
        )

    def _dataset(self, tracks: Mapping[str, Track], root: Path, medium: Medium) -> Dataset:
        labels = {track.label for track in tracks.values()}
        if missing := [genre for genre in GENRES if genre not in labels]:
            raise DataError(
                f"dataset={self.name}: {root} has no tracks of {', '.join(missing)}; get "
                f"{_PROVENANCE.urls[0]} again"
            )
        facts = gtzan_facts()
        return Dataset(
            name=self.name,
            labels=GENRES,
            tracks=tuple(tracks[track] for track in sorted(tracks)),
            root=root,
            provenance=_PROVENANCE,
            medium=medium,
            partitions={
                "fault_filtered": facts.fault_filtered,
                "artist_folds": facts.artist_folds,
            },
        )


@DATASETS.register("gtzan_kaggle_pictures")
@dataclass(frozen=True)
class GtzanKagglePictures(GtzanKaggle):
    """The pictures, each with its row of the table where that is there."""

    media: ClassVar[frozenset[Medium]] = frozenset({"picture", "table"})

    def load(self, data_root: Path) -> Dataset:
        """Find the pictures, and the rows of the table by their tracks.

        Raises:
            DataError: a genre has none, or the table is damaged.
        """
        place = self._place(data_root, "images_original")
        rows = read_table(place / TABLE) if (place / TABLE).is_file() else {}
        artists, tracks = gtzan_facts().artists, {}
        for genre in GENRES:
            for path in sorted((place / "images_original" / genre).glob("[!.]*.png")):
                match = _PICTURE.fullmatch(path.stem)
                if match is None or match["genre"] != genre:
                    raise DataError(
                        f"{path}: expected a name such as {genre}00000.png in the folder {genre}; "
                        "remove or rename it"
                    )
                track = f"{genre}.{match['number']}"
                tracks[track] = Track(track, path, genre, artists.get(track), rows.get(track, ()))
        return self._dataset(tracks, place, "picture")


@DATASETS.register("gtzan_kaggle_table")
@dataclass(frozen=True)
class GtzanKaggleTable(GtzanKaggle):
    """The table of summary features, a row a track."""

    media: ClassVar[frozenset[Medium]] = frozenset({"table"})

    def load(self, data_root: Path) -> Dataset:
        """Read the table.

        Raises:
            DataError: it is absent, damaged (with its line) or lacks a genre.
        """
        place = self._place(data_root, TABLE)
        artists = gtzan_facts().artists
        tracks = {
            track: Track(track, place / TABLE, track.partition(".")[0], artists.get(track), row)
            for track, row in read_table(place / TABLE).items()
        }
        return self._dataset(tracks, place, "table")


def read_table(file: Path) -> dict[str, tuple[float, ...]]:
    """Return the 57 values of each track id.

    Raises:
        DataError: the table cannot be read or is not that of the Kaggle copy; names the line.
    """
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            lines = list(csv.reader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{file}: cannot be read: {reason}; get {TABLE} again") from None
    header = lines[0] if lines else []
    if len(header) != N_COLUMNS + 3 or header[:2] + header[-1:] != ["filename", "length", "label"]:
        raise DataError(
            f"{file}: expected the columns filename, length, {N_COLUMNS} features and label, found "
            f"{len(header)} columns beginning with {header[:2]}; get {TABLE} again"
        )
    rows: dict[str, tuple[float, ...]] = {}
    for number, cells in enumerate(lines[1:], 2):
        try:
            track, values = _row(cells)
        except ValueError as error:
            raise DataError(f"{file}, line {number}: {error}; get {TABLE} again") from None
        if track in rows:
            raise DataError(f"{file}, line {number}: {track} is listed twice; get {TABLE} again")
        rows[track] = values
    return rows


def _row(cells: list[str]) -> tuple[str, tuple[float, ...]]:
    if len(cells) != N_COLUMNS + 3:
        raise ValueError(f"expected {N_COLUMNS + 3} cells, found {len(cells)}")
    name, label = cells[0].removesuffix(".wav"), cells[-1]
    if label not in GENRES or not re.fullmatch(rf"{label}\.\d{{5}}", name):
        raise ValueError(
            f"expected a file such as blues.00000.wav and its genre, found {cells[0]!r} and "
            f"{label!r}"
        )
    values = tuple(float(cell) for cell in cells[2:-1])
    if not all(abs(value) <= _LARGEST for value in values):
        raise ValueError("expected finite numbers, found others")
    return name, values
