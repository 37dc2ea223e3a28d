"""Any music: a folder of genre folders, or a CSV that names files, genres, groups and parts."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from genrecls.config.paths import expanded
from genrecls.datasets.artists import ArtistSource, with_artists
from genrecls.datasets.base import DATASETS, Dataset, DatasetSource, Provenance, Track
from genrecls.datasets.synth.marker import marked_folders
from genrecls.dsp.audio import SUFFIXES, AudioLimits
from genrecls.errors import ConfigError, DataError, nearest

COLUMNS = ("path", "label", "group", "split")
_GROUPS = ("artist", "artists", "band", "performer", "album")
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
            be on two sides of an honest split) and split (train, validation, test). Its paths count
            from `root`, or from its own folder where that is null.
        artists: where the artists are taken from; null leaves them unknown, or to the CSV.
        limits: what a plausible file is.
    """

    csv: str | None
    artists: ArtistSource | None
    limits: AudioLimits

    offers: ClassVar[tuple[str, ...]] = ("official",)

    def load(self, data_root: Path) -> Dataset:
        """List the tracks.

        Raises:
            DataError: nothing is there, fewer than two genres, a faulty CSV (with its line), or no
                artist where `artists` says that they are.
            ConfigError: both the CSV and `artists` give the artists.
        """
        parts: dict[str, str] = {}
        generated: list[Path] = []
        if self.csv is None:
            root = self.folder(data_root)
            where = str(root.absolute())
            generated = marked_folders(root)
            tracks = tuple(
                Track(path.relative_to(root).as_posix(), path, genre.name)
                for genre in sorted(root.glob("*/"))
                for path in sorted(genre.rglob("*"))
                if path.suffix.lower() in SUFFIXES
                and not any(part.startswith(".") for part in path.relative_to(root).parts)
                and not path.is_dir()
                and not any(folder in path.parents for folder in generated)
            )
            for track in tracks:
                _refuse_unwritable(str(root), str(track.path.relative_to(root)), track.label)
        else:
            file = expanded(self.csv, "dataset.csv")
            root = self.folder(data_root) if self.root else file.parent
            tracks, parts = _tracks_in_csv(file, root)
            where = str(file.absolute())
        labels = tuple(sorted({track.label for track in tracks}))
        if len(labels) < 2:
            raise DataError(
                f"dataset=folder: {where} has {len(tracks)} audio file(s) in {len(labels)} "
                "genre(s); expected at least two genres, as <root>/<genre>/<file> with "
                f"{' '.join(SUFFIXES)} (dataset.root=<folder>) or as lines of a CSV "
                "(dataset.csv=<file>)"
            )
        if self.artists is not None:
            if any(track.artist for track in tracks):
                raise ConfigError(
                    f"dataset.artists={self.artists}: {where} gives the artists already, in its "
                    "column 'group'; remove that column or set dataset.artists=null"
                )
            tracks = with_artists(tracks, self.artists)
            known = [track.artist for track in tracks if track.artist]
            where += (
                f"; {len(set(known))} artists of {len(known)} of {len(tracks)} tracks by their "
                f"{self.artists}, where case, accents, punctuation, a leading 'the' and guests "
                "('feat.') make no difference"
            )
        provenance = Provenance("Own music", "none", "as your files say", note=where)
        partitions = {"official": parts} if parts else {}
        remarks = tuple(
            f"dataset=folder: {folder} is left out: genrecls has generated its tracks"
            for folder in generated
        )
        return Dataset(
            "folder", labels, tracks, root, provenance, self.limits, partitions, remarks=remarks
        )


def _tracks_in_csv(file: Path, root: Path) -> tuple[tuple[Track, ...], dict[str, str]]:
    """Return the tracks that a CSV lists, and the part of each that has one."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, strict=True, restval="")
            _check_columns(file, list(reader.fieldnames or ()))
            rows = [(f"{file}, line {reader.line_num}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"dataset.csv: cannot read {file.absolute()}: {reason}; expected a UTF-8 CSV with the "
            "columns path,label[,group][,split]"
        ) from None
    for where, row in rows:
        if None in row:
            raise DataError(
                f"{where}: more cells than columns; put a cell that holds a comma in double quotes"
            )
    tracks: dict[str, Track] = {}
    parts: dict[str, str] = {}
    for where, row in rows:
        track, part = _track_and_part(where, row, root)
        if track.id in tracks:
            raise DataError(f"{where}: path {track.id!r} is listed twice; keep one")
        tracks[track.id] = track
        if part:
            parts[track.id] = part
    return tuple(tracks.values()), parts


def _check_columns(file: Path, columns: Sequence[str]) -> None:
    for needed in ("path", "label"):
        if needed not in columns:
            raise DataError(
                f"{file}: no column '{needed}' in its first line ({', '.join(columns) or 'empty'})"
                f"; expected path,label[,group][,split]{nearest(needed, columns)}"
            )
    absent = [name for name in COLUMNS if name not in columns]
    for column in columns:
        # Whatever else a CSV holds is ignored, but a misspelt group would leak unnoticed.
        if column not in COLUMNS and (hint := nearest(column, absent)):
            raise DataError(f"{file}: column '{column}' is not read{hint}")
        if column.lower() in _GROUPS and "group" in absent:
            raise DataError(
                f"{file}: column '{column}' is not read; call it 'group' if no {column} may be on "
                "two sides of a split, or remove it"
            )
        if columns.count(column) > 1:
            raise DataError(f"{file}: two columns are called '{column}'; keep one")


def _track_and_part(where: str, row: Mapping[str, str], root: Path) -> tuple[Track, str | None]:
    path, label, group, word = (row.get(name, "").strip() for name in COLUMNS)
    if not path or not label:
        raise DataError(f"{where}: expected a path and a label, received {path!r} and {label!r}")
    _refuse_unwritable(where, path, label)
    part = _PARTS.get(word.lower())
    if word and part is None:
        raise DataError(
            f"{where}: split {word!r}; allowed: train, validation, test"
            f"{nearest(word, ('train', 'validation', 'test'))}"
        )
    place = expanded(path, where) if path.startswith("~/") else Path(path)
    return Track(path, root / place, label, group or None), part


def _refuse_unwritable(where: str, path: str, label: str) -> None:
    """Refuse names that break lines or that no text file can hold: they end up in tables."""
    for name in (path, label):
        if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
            raise DataError(
                f"{where}: {name!r} holds a control character or is not valid UTF-8; rename it"
            )
