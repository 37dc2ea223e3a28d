"""Stops a training whose sweep has ended, even if the sweep was killed."""

from __future__ import annotations

import os
import signal
from threading import Thread

VARIABLE = "GENRECLS_WATCH_PARENT"
"""Environment variable by which a sweep says that it keeps the input of a training open."""


def stop_with_parent() -> None:
    """Send this process SIGTERM, after which it writes a checkpoint, when its parent has ended.

    A parent that sets the variable keeps the other end of the standard input open and writes
    nothing: when that input ends, the parent has ended, even by SIGKILL.
    """
    # Not for the processes that this one starts: they have another input.
    if os.environ.pop(VARIABLE, None):
        Thread(target=_wait_for_parent, name="parent watch", daemon=True).start()


def _wait_for_parent() -> None:
    # Not by way of `sys.stdin`, which Python could not close while a thread reads from it.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
