"""Stopping at the user's wish without losing work."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from genrecls.console import say


class StopRequest:
    """Whether a signal has asked to stop."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None

    def receive(self, number: int, _frame: FrameType | None) -> None:
        """Take note of a signal; a second one stops at once."""
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = signal.Signals(number)
        # Python refuses to write into a line that is being written, and the signal may come then.
        with suppress(RuntimeError):
            say("stopping after this step; once more to stop at once")


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Yield a request that Ctrl-C and SIGTERM fill instead of ending the process."""
    request = StopRequest()
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in previous:
        signal.signal(number, request.receive)
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
