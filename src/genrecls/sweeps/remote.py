"""What a job of a cluster does for a sweep: start one training on its machine and watch it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genrecls.sweeps.process import Child, Ending, Limits, Order

_LOOK_EVERY = 0.5


@dataclass(frozen=True)
class RemoteTask:
    """What a job of a launcher does: start one training and watch it.

    Attributes:
        order: what is trained, all paths absolute.
        folder: working directory of the sweep, to which other paths are relative.
        stop_file: the training is stopped when this file is there.
    """

    order: Order
    limits: Limits
    folder: Path
    stop_file: Path

    def __call__(self, _: object = None) -> Ending:
        """Train, and return how it ended."""
        if self.stop_file.exists():
            return Ending("stopped", "was stopped before its turn came")
        os.chdir(self.folder)
        with _left_to_us():
            child = Child(self.order, self.limits)
        try:
            return self._watched(child)
        except BaseException:
            # The cluster takes the machine back: what was trained must get into a checkpoint.
            child.stop("was stopped by the cluster")
            while child.poll() is None:
                time.sleep(_LOOK_EVERY)
            raise

    def _watched(self, child: Child) -> Ending:
        while (ending := child.poll()) is None:
            if self.stop_file.exists():
                child.stop("was stopped together with the sweep")
            time.sleep(_LOOK_EVERY)
        self.stop_file.unlink(missing_ok=True)
        return ending


@contextmanager
def _left_to_us() -> Iterator[None]:
    """Let what is started now ignore the signals by which a cluster warns of the end.

    They reach all processes of a job; one that does not know them would end without a checkpoint.
    """
    names = [name for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name)]
    before: dict[int, Any] = {}
    # Ray's jobs are not always in the main thread, where alone this can be said.
    with suppress(ValueError):
        for name in names:
            number = getattr(signal, name)
            before[number] = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
