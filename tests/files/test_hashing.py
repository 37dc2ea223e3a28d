from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from genrecls.files import hashing
from genrecls.files.hashing import FileDigests, hex_digest, read_content, text_digest


def test_a_text_has_the_digest_of_a_file_that_holds_it(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("Zydeco é", encoding="utf-8")
    assert text_digest("Zydeco é") == hex_digest(file)
    assert text_digest("Zydeco é", 8) == hex_digest(file)[:8]


@pytest.mark.usefixtures("settled")
def test_a_time_that_was_set_back_deceives_nobody(tmp_path: Path) -> None:
    index, file = tmp_path / "files.json", tmp_path / "a.wav"
    file.write_bytes(b"one")
    status = file.stat()
    digests = FileDigests(index)
    first = digests.of(file)
    digests.save()
    # Longer than a tick of any file system's clock.
    time.sleep(0.05)
    file.write_bytes(b"two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert FileDigests(index).of(file) != first


def test_changed_content_of_the_same_size_and_time_is_noticed(tmp_path: Path) -> None:
    index, file = tmp_path / "files.json", tmp_path / "a.wav"
    file.write_bytes(b"one")
    status = file.stat()
    digests = FileDigests(index)
    first = digests.of(file)
    digests.save()
    file.write_bytes(b"two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert digests.current(file) != first
    assert FileDigests(index).of(file) != first


@pytest.mark.usefixtures("settled")
def test_an_unchanged_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, file = tmp_path / "files.json", tmp_path / "na\udcefve file.wav"
    file.write_bytes(b"content")
    digests = FileDigests(index)
    first = digests.of(file)
    digests.save()

    def refuse(*_: object) -> None:
        pytest.fail("the file was read again")

    monkeypatch.setattr("genrecls.files.hashing.hash_file", refuse)
    assert digests.current(file) == first
    assert FileDigests(index).of(file) == first


def test_a_file_written_just_now_is_not_remembered(tmp_path: Path) -> None:
    index, file = tmp_path / "files.json", tmp_path / "a.wav"
    file.write_bytes(b"content")
    digests = FileDigests(index)
    digests.of(file)
    digests.save()
    assert not index.exists()


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"version": 1, "files": []}', '{"version": 1, "files": {"a": 1}}'],
)
def test_a_damaged_index_costs_nothing_but_time(tmp_path: Path, content: str) -> None:
    index, file = tmp_path / "files.json", tmp_path / "a.wav"
    file.write_bytes(b"content")
    index.write_text(content)
    digests = FileDigests(index)
    digest = digests.of(file)
    digests.save()
    assert json.loads(index.read_text())["files"][str(file)][1] == digest


def test_an_index_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(b"audio")
    os.mkfifo(tmp_path / "files.json")
    assert FileDigests(tmp_path / "files.json").of(file) == FileDigests(None).of(file)


@pytest.mark.usefixtures("settled")
def test_two_indexes_written_in_turn_keep_what_both_learnt(tmp_path: Path) -> None:
    index = tmp_path / "files.json"
    both = [FileDigests(index), FileDigests(index)]
    for number, digests in enumerate(both):
        (tmp_path / f"{number}").write_bytes(b"%d" % number)
        digests.of(tmp_path / f"{number}")
        digests.save()
    assert len(json.loads(index.read_text())["files"]) == 2


def test_a_file_keeps_the_digest_by_which_it_was_first_known(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(b"one")
    digests = FileDigests(None)
    first = digests.of(file)
    file.write_bytes(b"another")
    assert digests.of(file) == first
    assert digests.of_all([file]) == {file: first}
    assert digests.current(file) != first


def test_one_pass_takes_all_files_and_no_other_reads_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    original = hashing.hash_file

    def counting(path: Path, *rest: Any) -> Any:
        read.append(path)
        return original(path, *rest)

    monkeypatch.setattr(hashing, "hash_file", counting)
    for name in "abc":
        (tmp_path / name).write_text(name)
    files = [tmp_path / name for name in "abca"]
    absent = tmp_path / "nowhere"
    # These were written just now, so the index does not remember them.
    digests = FileDigests(tmp_path / "files.json")
    taken = digests.of_all([*files, absent])
    assert list(taken) == [*files[:3], absent]
    assert taken[absent] is None
    assert digests.of_all(files) == {path: taken[path] for path in files}
    assert [digests.of(path) for path in files] == [taken[path] for path in files]
    assert sorted(path for path in read if path != absent) == files[:3]


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 21) + 5])
def test_size_and_digests_are_those_of_all_bytes(size: int, tmp_path: Path) -> None:
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)
    found = read_content(tmp_path / "a", ("sha1", "md5"))
    assert found is not None
    assert found.size == size
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert dict(found.digests) == {
        name: hashlib.new(name, content).hexdigest() for name in ("sha1", "md5", "sha256")
    }


def test_what_cannot_be_read_has_no_content(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "link", tmp_path / "a" / "b"):
        assert read_content(path) is None
