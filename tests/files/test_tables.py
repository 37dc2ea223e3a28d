"""JSON, YAML and CSV come back as they were written, or one line says what is wrong with them."""

from __future__ import annotations

import math
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genrecls.errors import DamagedFile, DataError
from genrecls.files.tables import (
    mapping_or_empty,
    read_json,
    read_mapping,
    read_rows,
    read_table,
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
    with pytest.raises(
        DataError, match=r"a\.json: expected finite numbers, .* for parts\.1\.loss;"
    ):
        write_json(tmp_path / "a.json", {"parts": [{"loss": 0.5}, {"loss": number}]})
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
        (read_json, "a.json", b'{"a":' * 500 + b"1" + b"}" * 500),
        (read_json, "a.json", b'{"a": NaN}'),
        (read_json, "a.json", b'{"a": [-Infinity]}'),
        (read_json, "a.json", b'{"a": 1e999}'),
        (read_json, "a.json", b"1" * 10_000),
        (read_yaml, "a.yaml", b"[" * 200_000),
        (read_yaml, "a.yaml", b"[" * 100 + b"]" * 100),
        (read_yaml, "a.yaml", b"a: &a [*a]"),
        (read_yaml, "a.yaml", b"&a {<<: *a}"),
        (read_yaml, "a.yaml", b"a: 2026-99-99"),
        (read_yaml, "a.yaml", b"a: !!int x"),
        (read_yaml, "a.yaml", b"a: !!bool x"),
        (read_yaml, "a.yaml", b"a: !!timestamp x"),
        (read_yaml, "a.yaml", b"a: !!python/name:os.system"),
        (read_yaml, "a.yaml", b"a: " + b"1" * 10_000),
        (read_yaml, "a.yaml", b"? [1]\n: 2"),
        (read_yaml, "a.yaml", b"a: [1\nb: 2"),
        (read_yaml, "a.yaml", b"\xff"),
        (read_mapping, "a.json", b"[1]"),
        (read_mapping, "a.yaml", b"word"),
        (read_rows, "a.csv", b"\xff"),
        (read_rows, "a.csv", b'a,b\n1,"2'),
        (read_rows, "a.csv", b"a,b\n1"),
        (read_rows, "a.csv", b"a,b\n1,2,3"),
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


@pytest.mark.parametrize("merge", [False, True])
def test_aliases_that_would_fill_the_memory_are_refused_at_once(
    merge: bool, tmp_path: Path
) -> None:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    for number in range(1, 40):
        several = ", ".join([f"*a{number - 1}"] * 9)
        value = f"{{<<: [{several}]}}" if merge else f"[{several}]"
        lines.append(f"a{number}: &a{number} {value}")
    (tmp_path / "a.yaml").write_text("\n".join(lines))
    with pytest.raises(DamagedFile, match="more than 1048576 values with its aliases"):
        read_yaml(tmp_path / "a.yaml")


def test_aliases_within_reason_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: &a {x: 1}\nb: [*a, *a]\nc: {<<: *a, y: 2}\n")
    assert read_yaml(tmp_path / "a.yaml")["c"] == {"x": 1, "y": 2}


def test_a_file_larger_than_any_of_genrecls_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(DamagedFile, match="larger than"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("read", [read_mapping, read_yaml, read_rows])
def test_a_folder_or_a_pipe_is_a_damaged_file(read: Callable[[Path], Any], tmp_path: Path) -> None:
    with pytest.raises(DamagedFile, match="expected a file, found a folder"):
        read(tmp_path)
    os.mkfifo(tmp_path / "a")
    with pytest.raises(DamagedFile, match="expected a file, found a pipe or device"):
        read(tmp_path / "a")


def test_no_spreadsheet_computes_a_name_and_a_reader_gets_it_as_it_was(tmp_path: Path) -> None:
    path, names = tmp_path / "table.csv", ["=1+1", "@x", "-rock", "'=y", "+49", "jazz"]
    write_table(path, names, [names, [-1.5] * 6])
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[1] == "'=1+1,'@x,'-rock,''=y,+49,jazz"
    assert text.splitlines()[2] == ",".join(["-1.5"] * 6)
    assert read_table(path) == (names, [names, ["-1.5"] * 6])
