"""Limits of time for what a server sends; a socket only has one between two bytes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns.

    Args:
        seconds: time that it has.
        work: runs in a thread of its own, which is left behind where the time is not enough.

    Raises:
        TimeoutError: it takes longer. What `work` raises is raised, too.
    """
    results: SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = SimpleQueue()

    def attempt() -> None:
        try:
            results.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            results.put((None, error))

    Thread(target=attempt, daemon=True).start()
    try:
        value, error = results.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value] # without an error there is a value


class MinimumRate:
    """Stops a transfer that brings too little while the block runs.

    Args:
        least: bytes that must come ...
        seconds: ... in each period of so many seconds.
        stop: ends the transfer; called from another thread.

    Attributes:
        missed: whether it was stopped.
    """

    def __init__(self, least: int, seconds: float, stop: Callable[[], None]) -> None:
        self.missed = False
        self._least, self._seconds, self._stop = least, seconds, stop
        self._came = 0
        self._ended = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def count(self, size: int) -> None:
        """Note that `size` further bytes have come."""
        self._came += size

    def _watch(self) -> None:
        while not self._ended.wait(self._seconds):
            if self._came < self._least:
                self.missed = True
                # The transfer may end by itself at this moment.
                with suppress(OSError, ValueError, RuntimeError):
                    self._stop()
                return
            self._came = 0
