"""A lock is held by one process at a time, and the others wait or are told."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from genrecls.errors import RunBusy
from genrecls.files.locks import is_locked, locked


def test_a_lock_that_is_held_is_seen_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.lock"
    assert not is_locked(path)
    with locked(path):
        assert is_locked(path)
        for patience in (0, 0.1):
            with (
                pytest.raises(RunBusy, match=r"^it is busy$"),
                locked(path, patience=patience, busy="it is busy"),
            ):
                pytest.fail("it was locked twice")
    assert not is_locked(path)
    with locked(path, patience=0):
        pass


def test_whoever_waits_is_told_and_gets_the_lock(tmp_path: Path) -> None:
    path, held, told = tmp_path / "a.lock", threading.Event(), threading.Event()

    def hold() -> None:
        with locked(path):
            held.set()
            told.wait(20)

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(20)
    with locked(path, on_wait=told.set):
        assert told.is_set()
    other.join()


def test_an_error_in_the_block_gives_the_lock_back(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "a.lock"):
        raise ZeroDivisionError
    assert not is_locked(tmp_path / "a.lock")
