"""Stop signals: Ctrl-C, SIGTERM and SIGHUP end a training after its step, with a checkpoint."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from genrecls.console import messages, say


def stop_signals() -> tuple[signal.Signals, ...]:
    """Return Ctrl-C, SIGTERM, and SIGHUP of a terminal that closes unless `nohup` turned it off."""
    closed = getattr(signal, "SIGHUP", None)  # Windows has none
    if closed is None or signal.getsignal(closed) == signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, closed


class StopRequest:
    """Whether a signal has asked to stop, and which."""

    def __init__(self, notice: str) -> None:
        self.received: signal.Signals | None = None
        self._notice = notice

    def receive(self, number: int, _frame: FrameType | None) -> None:
        """Take note of a signal; a second one stops at once."""
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = signal.Signals(number)
        # Python refuses to write into a line that is being written, and the signal may come then;
        # a terminal that was closed takes no words.
        with suppress(RuntimeError, OSError):
            say(self._notice)


@contextmanager
def stop_request(
    notice: str = "stopping after this step; once more to stop at once",
) -> Iterator[StopRequest]:
    """Yield a request that stop signals fill instead of ending the process.

    Args:
        notice: message to the user when the first signal comes.
    """
    request = StopRequest(notice)
    # What prints is imported now: a signal may come in the middle of that import.
    messages()
    with restore_handlers():
        for number in stop_signals():
            signal.signal(number, request.receive)
        yield request


@contextmanager
def restore_handlers() -> Iterator[None]:
    """Give stop signals back to whoever had them before the block."""
    previous = {number: signal.getsignal(number) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
