"""Any music: a folder of genre folders, or a CSV that names files, genres, groups and parts."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from genrecls.audio import SUFFIXES, AudioLimits
from genrecls.datasets.base import DATASETS, Dataset, DatasetSource, Provenance, Track
from genrecls.errors import DataError, nearest

COLUMNS = ("path", "label", "group", "split")
_PARTS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}


@DATASETS.register("folder")
@dataclass(frozen=True)
class Folder(DatasetSource):
    """Music of the user's own.

    Attributes:
        csv: file with the columns path, label and, optionally, group (artist or whatever must not
            be on two sides of an honest split) and split (train, validation, test).
        limits: what a plausible file is.
    """

    csv: str | None
    limits: AudioLimits

    offers: ClassVar[tuple[str, ...]] = ("official",)

    def load(self, data_root: Path) -> Dataset:
        """List the tracks.

        Raises:
            DataError: nothing is there, fewer than two genres, or a faulty CSV (with its line).
        """
        if self.csv is not None:
            file = Path(self.csv).expanduser()
            tracks, parts = _from_csv(file)
            root, where = file.parent, str(file)
        else:
            root = self.folder(data_root)
            tracks, parts, where = tuple(_from_folders(root)), {}, str(root.absolute())
        labels = tuple(sorted({track.label for track in tracks}))
        if len(labels) < 2:
            raise DataError(
                f"dataset=folder: {where} has {len(tracks)} audio file(s) in {len(labels)} "
                "genre(s); expected at least two genres, as <root>/<genre>/<file> with "
                f"{' '.join(SUFFIXES)} (dataset.root=<folder>) or as lines of a CSV "
                "(dataset.csv=<file>)"
            )
        provenance = Provenance("Own music", "none", "as your files say", note=where)
        partitions = {"official": parts} if parts else {}
        return Dataset("folder", labels, tracks, root, provenance, self.limits, partitions)


def _from_folders(root: Path) -> Iterator[Track]:
    for genre in sorted(path for path in root.glob("*/") if not path.name.startswith(".")):
        for path in sorted(genre.rglob("*")):
            if path.suffix.lower() in SUFFIXES and not path.name.startswith("._"):
                yield Track(path.relative_to(root).as_posix(), path, genre.name)


def _from_csv(file: Path) -> tuple[tuple[Track, ...], dict[str, str]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, strict=True)
            _check_columns(file, list(reader.fieldnames or ()))
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"dataset.csv: cannot read {file.absolute()}: {reason}; expected a UTF-8 CSV with the "
            "columns path,label[,group][,split]"
        ) from None
    tracks: dict[str, Track] = {}
    parts: dict[str, str] = {}
    for line, row in rows:
        track = _track(file, line, row)
        if track.id in tracks:
            raise DataError(f"{file}, line {line}: path {track.id!r} is listed twice; keep one")
        tracks[track.id] = track
        if row.get("split"):
            parts[track.id] = _part(file, line, row["split"])
    return tuple(tracks.values()), parts


def _check_columns(file: Path, columns: list[str]) -> None:
    for needed in ("path", "label"):
        if needed not in columns:
            raise DataError(
                f"{file}: no column '{needed}' in its first line ({', '.join(columns) or 'empty'})"
                f"{nearest(needed, columns)}; expected path,label[,group][,split]"
            )


def _track(file: Path, line: int, row: dict[str, str]) -> Track:
    path, label = (row.get("path") or "").strip(), (row.get("label") or "").strip()
    if not path or not label:
        raise DataError(f"{file}, line {line}: expected a path and a label, received {row}")
    group = (row.get("group") or "").strip() or None
    return Track(path, file.parent / Path(path).expanduser(), label, group)


def _part(file: Path, line: int, word: str) -> str:
    part = _PARTS.get(word.strip().lower())
    if part is None:
        raise DataError(
            f"{file}, line {line}: split {word!r}; allowed: train, validation, test"
            f"{nearest(word, ('train', 'validation', 'test'))}"
        )
    return part
