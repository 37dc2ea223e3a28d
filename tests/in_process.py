"""The program run in the process of a test: no start of Python, no second TensorFlow."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from genrecls.cli import main

_PREFIX = "genrecls: error: "


@dataclass(frozen=True)
class Answer:
    """What a command of the program gave back."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The only line of an error, with nothing of a stack trace around it."""
        assert "Traceback" not in self.err + self.out
        lines = [line for line in self.err.splitlines() if line.startswith(_PREFIX)]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix(_PREFIX)


def run_here(folder: Path, *words: str | Path) -> Answer:
    """Run `genrecls` with the given words as if it had been started in `folder`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), undisturbed(), redirect_stdout(out), redirect_stderr(err):
        status = main.main([str(word) for word in words])
    return Answer(status, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Undo afterwards what a command changes in its process, which usually ends with it."""
    previous = signal.getsignal(signal.SIGTERM)
    # Hydra's --info adds a handler that writes to the standard output of this test.
    handlers = list(logging.getLogger().handlers)
    debug = os.environ.pop("GENRECLS_DEBUG", None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
        logging.getLogger().handlers[:] = handlers
        if debug is not None:
            os.environ["GENRECLS_DEBUG"] = debug
