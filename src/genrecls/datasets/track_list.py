"""The tracks that a CSV lists: files, genres, groups and parts."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from genrecls.config.paths import expanded, why_no_file
from genrecls.config.schema import Schema
from genrecls.datasets.base import Track
from genrecls.errors import DataError, nearest

PARTS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
"""What the parts of a split are called, in small letters."""

Separator = Literal["comma", "semicolon", "tab"]
_SEPARATORS: dict[Separator, str] = {"comma": ",", "semicolon": ";", "tab": "\t"}

_GROUPS = ("artist", "artists", "band", "performer", "album")
_EXPECTED = "path,label[,group][,split]"


@dataclass(frozen=True)
class Columns(Schema):
    """What the columns are called; capitals and spaces around a name make no difference.

    Attributes:
        path: of the file.
        label: its genre.
        group: artist or whatever must not be on two sides of an honest split; need not be there.
        split: train, validation or test; need not be there.
    """

    path: str = "path"
    label: str = "label"
    group: str = "group"
    split: str = "split"


def read_tracks(
    file: Path, root: Path, separator: Separator, columns: Columns
) -> tuple[tuple[Track, ...], dict[str, str]]:
    """Return the tracks that a CSV lists, and the part of each that has one.

    Args:
        file: the CSV, in UTF-8.
        root: folder from which its paths count.
        separator: what stands between two cells.
        columns: what the columns are called.

    Raises:
        DataError: the file or one of its lines is faulty; names the line.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            mark = _SEPARATORS[separator]
            reader = csv.DictReader(stream, strict=True, restval="", delimiter=mark)
            given = list(reader.fieldnames or ())
            names = _field_names(file, given, columns)
            # What is not read has no name, for it may be called as a field that is.
            reader.fieldnames = [names.get(name, "") for name in given]
            rows = [(f"{file}, line {reader.line_num}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"dataset.csv: cannot read {file.absolute()}: {reason}"
            f"{why_no_file(str(file)) if isinstance(error, FileNotFoundError) else ''}; expected a "
            f"UTF-8 CSV with the columns {_EXPECTED}"
        ) from None
    for where, row in rows:
        if None in row:
            raise DataError(
                f"{where}: more cells than columns; put a cell that holds a {separator} in double "
                "quotes"
            )
    tracks: dict[str, Track] = {}
    parts: dict[str, str] = {}
    for where, row in rows:
        track, part = _track_and_part(where, row, root)
        if track.id in tracks:
            raise DataError(
                f"{where}: path {track.id!r} is listed twice{why_no_file(track.id) or '; keep one'}"
            )
        tracks[track.id] = track
        if part:
            parts[track.id] = part
    return tuple(tracks.values()), parts


def refuse_unwritable(where: str, path: str, label: str) -> None:
    """Refuse names that break lines or that no text file can hold: they end up in tables.

    Raises:
        DataError: names `where` it stands.
    """
    for name in (path, label):
        if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
            raise DataError(
                f"{where}: {name!r} holds a control character or is not valid UTF-8; rename it"
            )


def _field_names(file: Path, given: Sequence[str], columns: Columns) -> dict[str, str]:
    """Return the field of `Columns` that each of the given names means."""
    wanted = {_folded(name): field for field, name in vars(columns).items()}
    names = {name: wanted[_folded(name)] for name in given if _folded(name) in wanted}
    for field in ("path", "label"):
        if field not in names.values():
            hint = nearest(getattr(columns, field), given)
            # A line that another separator divides is a single cell here.
            for other, mark in _SEPARATORS.items():
                if len(given) == 1 and mark in given[0]:
                    hint = f"; its cells are separated by a {other}: dataset.separator={other}"
            raise DataError(
                f"{file}: no column '{getattr(columns, field)}' in its first line "
                f"({', '.join(given) or 'empty'}); expected {_EXPECTED}, or another name with "
                f"dataset.columns.{field}=<name>{hint}"
            )
    absent = [field for field in vars(columns) if field not in names.values()]
    meanings = [names.get(name, f"{name}, not read") for name in given]
    for name, meaning in zip(given, meanings, strict=True):
        # Whatever else a CSV holds is ignored, but a misspelt group would leak unnoticed.
        if name not in names and (hint := nearest(name, absent)):
            raise DataError(f"{file}: column '{name}' is not read{hint}")
        if _folded(name) in _GROUPS and "group" in absent:
            raise DataError(
                f"{file}: column '{name}' is not read; set dataset.columns.group={name} if no "
                f"{name} may be on two sides of a split, or remove it"
            )
        if name in names and meanings.count(meaning) > 1:
            raise DataError(f"{file}: two columns are called '{name}'; keep one")
    return names


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _track_and_part(where: str, row: Mapping[str, str], root: Path) -> tuple[Track, str | None]:
    path, label, group, word = (row.get(name, "").strip() for name in vars(Columns()))
    if not path or not label:
        raise DataError(f"{where}: expected a path and a label, received {path!r} and {label!r}")
    refuse_unwritable(where, path, label)
    part = PARTS.get(word.lower())
    if word and part is None:
        raise DataError(
            f"{where}: split {word!r}; allowed: train, validation, test"
            f"{nearest(word, ('train', 'validation', 'test'))}"
        )
    place = expanded(path, where) if path.startswith("~/") else Path(path)
    return Track(path, root / place, label, group or None), part
