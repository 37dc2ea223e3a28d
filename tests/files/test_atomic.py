"""A file is the old one or the new one, and nothing is left lying about."""

from __future__ import annotations

import errno
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from genrecls.errors import DataError
from genrecls.files import atomic
from genrecls.files.atomic import naming, replacing, replacing_folder, write_text
from genrecls.files.tables import write_json


def test_a_new_file_appears_with_its_folder(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "ä\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "ä\n".encode()
    assert os.listdir(tmp_path / "new") == ["a.txt"]  # noqa: PTH208 - hidden ones too


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"), replacing(path) as beside:
        beside.write_text("ne")
        raise RuntimeError("half way")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_no_litter_either(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.txt"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_names_the_file_that_was_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    with pytest.raises(OSError, match="full") as failure, replacing(path):
        raise OSError(errno.ENOSPC, "full")
    assert failure.value.filename == str(path)
    with pytest.raises(OSError, match="full") as failure, replacing(path) as beside:
        raise OSError(errno.ENOSPC, "full", str(beside))
    assert failure.value.filename == str(path)


def test_an_error_that_names_another_file_goes_on_naming_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as failure, naming(tmp_path / "a"):
        (tmp_path / "other").read_text()
    assert failure.value.filename == str(tmp_path / "other")


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_text("old")
    with replacing(path) as beside:
        assert beside.parent == tmp_path
        assert beside.suffix == ".npz"
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(
    umask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_UMASK", umask)
    write_text(tmp_path / "a.txt", "text")
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o666 & ~umask


def test_the_umask_is_read_without_being_changed() -> None:
    current = os.umask(0o022)
    os.umask(current)
    assert current == atomic._UMASK


def test_the_longest_possible_name_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / ("ü" * 125 + ".json")
    write_json(path, [1])
    write_json(path, [2])
    assert json.loads(path.read_text()) == [2]


def test_concurrent_writers_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    values = [[number] * 5000 for number in range(40)]
    write_json(path, values[0])

    def work(value: list[int]) -> list[int]:
        write_json(path, value)
        found: list[int] = json.loads(path.read_text())
        return found

    with ThreadPoolExecutor(8) as pool:
        assert all(found in values for found in pool.map(work, values))
    assert list(tmp_path.iterdir()) == [path]


def test_json_that_no_reader_takes_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected finite numbers, received NaN"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_takes_the_place_of_another_when_it_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "page"
    with replacing_folder(folder) as beside:
        (beside / "old.txt").write_text("old")
    with pytest.raises(RuntimeError), replacing_folder(folder) as beside:
        (beside / "half.txt").write_text("half")
        raise RuntimeError
    assert [path.name for path in folder.iterdir()] == ["old.txt"]
    with replacing_folder(folder) as beside:
        (beside / "new.txt").write_text("new")
    assert [path.name for path in folder.iterdir()] == ["new.txt"]
    assert [path.name for path in folder.parent.iterdir()] == ["page"]


def test_what_is_foreign_in_a_folder_stays_when_it_is_replaced(tmp_path: Path) -> None:
    place, link = tmp_path / "disk" / "made", tmp_path / "link"
    place.mkdir(parents=True)
    link.symlink_to(place, target_is_directory=True)
    for name in ("ours", "my notes"):
        (place / name).write_text("old")
    with replacing_folder(link, lambda name: name.startswith("my")) as beside:
        (beside / "ours").write_text("new")
    assert link.is_symlink()
    assert {path.name: path.read_text() for path in place.iterdir()} == {
        "ours": "new",
        "my notes": "old",
    }
    assert [path.name for path in place.parent.iterdir()] == ["made"]


def test_nothing_foreign_is_lost_where_a_folder_cannot_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "my notes").write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(Path, "rename", refuse)
    with (
        pytest.raises(OSError, match="busy"),
        replacing_folder(tmp_path / "made", lambda _: True) as beside,
    ):
        (beside / "ours").write_text("new")
    assert (tmp_path / "made" / "my notes").read_text() == "old"
