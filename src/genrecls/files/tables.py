"""JSON, YAML and CSV files: written whole or not at all, and read or blamed in one line."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from genrecls.errors import DamagedFile, DataError
from genrecls.files.atomic import replacing, write_text
from genrecls.safe_text import for_spreadsheet, from_spreadsheet

# Far above what genrecls writes, and far below what exhausts a machine. Whoever walks through a
# value may therefore do so by recursion.
_MOST_DEEP, _MOST_VALUES = 64, 2**20
_MOST_JSON_BYTES, _MOST_YAML_BYTES = 2**26, 2**20


def read_json(path: Path) -> Any:
    """Return the value in a JSON file.

    Raises:
        FileNotFoundError: it is absent.
        DamagedFile: it cannot be read, is not JSON, has numbers that are not finite or is nested
            too deeply; has `path` and `reason`.
    """
    text = _read_text(path, _MOST_JSON_BYTES)
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise DamagedFile(path, "it is nested too deeply") from None
    except ValueError as error:
        raise DamagedFile(path, str(error)) from None
    level = [value]
    for _ in range(_MOST_DEEP):
        level = [item for each in level for item in _items(each)]
        if not level:
            return value
    raise DamagedFile(path, "it is nested too deeply")


def read_yaml(path: Path) -> Any:
    """Return the value in a YAML file.

    Raises:
        FileNotFoundError: it is absent.
        DamagedFile: it cannot be read, is not YAML, is nested too deeply or is too large with all
            its aliases written out; has `path` and `reason`.
    """
    import yaml

    text = _read_text(path, _MOST_YAML_BYTES)
    # The one in C, where it was built, is ten times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_bomb(yaml.parse(text, loader))
        return yaml.load(text, loader)  # noqa: S506
    except (
        *(yaml.YAMLError, RecursionError),
        # Scalars with a tag or of a form that they do not have the content for.
        *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
    ) as error:
        raise DamagedFile(path, str(error) or type(error).__name__) from None


def read_mapping(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON or YAML file, which the suffix tells apart.

    Raises:
        FileNotFoundError: it is absent.
        DamagedFile: it cannot be read, or holds no mapping; has `path` and `reason`.
    """
    value = read_json(path) if path.suffix == ".json" else read_yaml(path)
    if not isinstance(value, dict):
        raise DamagedFile(
            path, f"expected a mapping of names to values, found {type(value).__name__}"
        )
    return value


def mapping_or_empty(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON or YAML file; empty where there is none or it is damaged."""
    with suppress(FileNotFoundError, DamagedFile):
        return read_mapping(path)
    return {}


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file with a header line, by column.

    Raises:
        FileNotFoundError: it is absent.
        DamagedFile: it cannot be read or is not CSV; has `path` and `reason`.
    """
    header, rows = read_table(path)
    return [dict(zip(header, row, strict=False)) for row in rows]


def read_table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the header line of a CSV file and its rows; empty lines are none.

    Raises:
        FileNotFoundError: it is absent.
        DamagedFile: it cannot be read, is not CSV, or a row has another number of cells than the
            header line; has `path` and `reason`.
    """
    _refuse_special(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = [row for row in csv.reader(file, strict=True) if row] or [[]]
    except FileNotFoundError:
        raise
    except (OSError, UnicodeError, csv.Error) as error:
        raise DamagedFile(path, str(error)) from None
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise DamagedFile(
                path, f"row {number}: expected {len(header)} cells, received {len(row)}"
            )
    return [*map(from_spreadsheet, header)], [[*map(from_spreadsheet, row)] for row in rows]


def json_text(value: Any) -> str:
    """Return `value` as readable JSON.

    Raises:
        DataError: it has a NaN or infinity, which no JSON reader takes.
    """
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError:
        place = _not_finite(value) or "one value"
        raise DataError(
            f"expected finite numbers, received NaN or infinity for {place}; it is not written"
        ) from None


def write_json(path: Path, value: Any) -> None:
    """Write `value` as readable JSON, whole or not at all.

    Raises:
        DataError: it has a NaN or infinity, which no JSON reader takes.
    """
    try:
        text = json_text(value)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    write_text(path, text + "\n")


def _not_finite(value: Any, place: str = "") -> str:
    """Return where in a value the first number that is not finite stands; empty where none is."""
    if isinstance(value, Mapping):
        items: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    else:
        return place if isinstance(value, float) and not math.isfinite(value) else ""
    inside = (_not_finite(each, f"{place}.{key}".strip(".")) for key, each in items)
    return next(filter(None, inside), "")


def write_yaml(path: Path, value: Any) -> None:
    """Write `value` as YAML, keys in their order, whole or not at all."""
    import yaml

    write_text(path, yaml.safe_dump(value, sort_keys=False))


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV with a header line, whole or not at all.

    No spreadsheet computes a text of it; `read_table` returns texts as they were.
    """
    with replacing(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(map(for_spreadsheet, columns))
        writer.writerows(
            [for_spreadsheet(cell) if isinstance(cell, str) else cell for cell in row]
            for row in rows
        )


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write mappings with equal keys as a CSV, whole or not at all."""
    columns = list(rows[0])
    write_table(path, columns, ([row[column] for column in columns] for row in rows))


def _read_text(path: Path, most_bytes: int) -> str:
    """Return the text of a file.

    Raises:
        FileNotFoundError: it is absent.
        DamagedFile: it is no file, too large, cannot be read or is no UTF-8; has `path` and
            `reason`.
    """
    _refuse_special(path)
    try:
        if path.stat().st_size > most_bytes:
            raise DamagedFile(path, f"it is larger than {most_bytes} bytes")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeError) as error:
        raise DamagedFile(path, str(error)) from None


def _refuse_special(path: Path) -> None:
    # A named pipe would be waited for, and a device may never end.
    try:
        kind = None if path.is_file() or not path.exists() else "pipe or device"
        kind = "folder" if path.is_dir() else kind
    except OSError as error:
        raise DamagedFile(path, str(error)) from None
    if kind:
        raise DamagedFile(path, f"expected a file, found a {kind}")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse_bomb(events: Iterable[Any]) -> None:
    """Refuse YAML that is small but would be huge, endless or too deep as plain values.

    Args:
        events: of the parser, which has made no value yet.

    Raises:
        ValueError: says what is wrong.
    """
    import yaml

    # Of every open collection, and of every anchor that is complete: values inside and levels.
    open_sizes: list[tuple[str | None, int, int]] = [(None, 0, 0)]
    anchors: dict[str, tuple[int, int]] = {}
    for event in events:
        outer, inside, levels = open_sizes[-1]
        if inside > _MOST_VALUES:
            raise ValueError(f"it has more than {_MOST_VALUES} values with its aliases written out")
        if len(open_sizes) + levels > _MOST_DEEP:
            raise ValueError("it is nested too deeply")
        if isinstance(event, yaml.CollectionStartEvent):
            open_sizes.append((event.anchor, 1, 0))
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size, depth = outer, inside, levels + 1
            open_sizes.pop()
            outer, inside, levels = open_sizes[-1]
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size, depth = event.anchor, 1, 0
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                raise ValueError(f"the alias *{event.anchor} stands inside what it stands for")
            anchor, (size, depth) = None, anchors[event.anchor]
        else:
            continue
        if anchor is not None:
            anchors[anchor] = size, depth
        open_sizes[-1] = outer, inside + size, max(levels, depth)
