"""A training that a sweep has started does not outlive the sweep, however that ends."""

from __future__ import annotations

import os
import signal
from threading import Thread

VARIABLE = "GENRECLS_LIFELINE"


def hold() -> None:
    """Let this process be stopped, checkpoint and all, when the one that started it is gone.

    Whoever starts a training and sets the variable keeps the other end of its standard input open
    and writes nothing: the end of that input is the end of the starter, even by SIGKILL.
    """
    # What this process starts itself has another input.
    if os.environ.pop(VARIABLE, None):
        Thread(target=_wait, name="lifeline", daemon=True).start()


def _wait() -> None:
    # Not by way of `sys.stdin`, which Python could not close while a thread reads from it.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
