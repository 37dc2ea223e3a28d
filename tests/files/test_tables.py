"""JSON, YAML and CSV come back as they were written, or one line says what is wrong with them."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genrecls.errors import DamagedFile
from genrecls.files.tables import (
    mapping_or_empty,
    read_json,
    read_mapping,
    read_rows,
    read_yaml,
    write_json,
    write_rows,
    write_table,
    write_yaml,
)

VALUE = {"name": "naïve", "numbers": [1, 2.5, None], "inside": {"on": True}}


@pytest.mark.parametrize(
    ("write", "read", "name"),
    [(write_json, read_json, "a.json"), (write_yaml, read_yaml, "a.yaml")],
)
def test_what_was_written_is_read_back(
    write: Callable[[Path, Any], None], read: Callable[[Path], Any], name: str, tmp_path: Path
) -> None:
    write(tmp_path / name, VALUE)
    assert read(tmp_path / name) == VALUE
    assert list(read_mapping(tmp_path / name)) == list(VALUE)
    assert mapping_or_empty(tmp_path / name) == VALUE


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_json_without_numbers_is_never_written(number: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"a": number})
    assert list(tmp_path.iterdir()) == []


def test_rows_are_read_by_their_columns(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", [{"a": 1, "b": "x, y"}, {"a": 2, "b": ""}])
    assert read_rows(tmp_path / "a.csv") == [{"a": "1", "b": "x, y"}, {"a": "2", "b": ""}]
    write_table(tmp_path / "b.csv", ("a", "b"), [(1, "x, y"), (2, "")])
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()


@pytest.mark.parametrize(
    ("read", "name", "content"),
    [
        (read_json, "a.json", b"{"),
        (read_json, "a.json", b"\xff"),
        (read_json, "a.json", b"[" * 100_000),
        (read_yaml, "a.yaml", b"a: [1\nb: 2"),
        (read_yaml, "a.yaml", b"\xff"),
        (read_mapping, "a.json", b"[1]"),
        (read_mapping, "a.yaml", b"word"),
        (read_rows, "a.csv", b"\xff"),
    ],
)
def test_a_damaged_file_is_named_in_one_line(
    read: Callable[[Path], Any], name: str, content: bytes, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(DamagedFile) as caught:
        read(file)
    assert str(caught.value).startswith(f"{file} is damaged (")
    assert "\n" not in str(caught.value)
    assert caught.value.path == file
    assert caught.value.reason in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301
    if name != "a.csv":
        assert mapping_or_empty(file) == {}


@pytest.mark.parametrize("read", [read_json, read_yaml, read_mapping, read_rows])
def test_an_absent_file_is_absent_and_not_damaged(
    read: Callable[[Path], Any], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nowhere.json")
    assert mapping_or_empty(tmp_path / "nowhere.json") == {}


def test_a_folder_is_a_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile, match="directory"):
        read_mapping(tmp_path)
    with pytest.raises(DamagedFile, match="directory"):
        read_rows(tmp_path)
