"""JSON, YAML and CSV files: written whole or not at all, and read or blamed in one line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from genrecls.errors import DamagedFile
from genrecls.files.atomic import replacing, write_text


def read_json(path: Path) -> Any:
    """Return the value in a JSON file.

    Raises:
        FileNotFoundError: it is absent.
        DamagedFile: it cannot be read or is not JSON; has `path` and `reason`.
    """
    text = _read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedFile(path, str(error)) from None


def read_yaml(path: Path) -> Any:
    """Return the value in a YAML file.

    Raises:
        FileNotFoundError: it is absent.
        DamagedFile: it cannot be read or is not YAML; has `path` and `reason`.
    """
    import yaml

    text = _read_text(path)
    # The one in C, where it was built, is ten times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, loader)  # noqa: S506
    except (yaml.YAMLError, RecursionError) as error:
        raise DamagedFile(path, str(error)) from None


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
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise
    except (OSError, UnicodeError, csv.Error) as error:
        raise DamagedFile(path, str(error)) from None


def write_json(path: Path, value: Any) -> None:
    """Write `value` as readable JSON, whole or not at all.

    Raises:
        ValueError: it has a NaN or infinity, which no JSON reader takes.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_yaml(path: Path, value: Any) -> None:
    """Write `value` as YAML, keys in their order, whole or not at all."""
    import yaml

    write_text(path, yaml.safe_dump(value, sort_keys=False))


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV with a header line, whole or not at all."""
    with replacing(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write mappings with equal keys as a CSV, whole or not at all."""
    columns = list(rows[0])
    write_table(path, columns, ([row[column] for column in columns] for row in rows))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeError) as error:
        raise DamagedFile(path, str(error)) from None
