"""Locks that keep other processes out, by a file that each of them asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from genrecls.errors import RunBusy


@contextmanager
def locked(
    path: Path,
    *,
    patience: float | None = None,
    busy: str = "another process is at work here; wait until it has finished",
    on_wait: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Hold the lock at `path` during the block; its folder is made where it is missing.

    Args:
        path: the lock file. It stays on disk; that it is there says nothing.
        patience: seconds after which waiting ends; 0 does not wait, None waits for ever.
        busy: text of the error.
        on_wait: called once where another process has it and waiting begins.

    Raises:
        RunBusy: another process still has it.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        on_wait()
        try:
            lock.acquire(timeout=-1 if patience is None else patience)
        except Timeout:
            raise RunBusy(busy) from None
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock at `path`, as far as can be seen from here."""
    from filelock import FileLock, Timeout

    if not path.is_file():
        return False
    try:
        with FileLock(path, blocking=False):
            return False
    except (Timeout, OSError):
        return True
