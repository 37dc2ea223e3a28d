"""Processes that begin with TensorFlow loaded: what the import takes is paid for once.

They are forked from a server that has imported it and computed nothing, and are otherwise what a
process started by a user is: signals, exit status and messages are their own.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.preloaded"])


class Forked:
    """A process that runs a function of a module; its exit status is what the function returns."""

    def __init__(
        self,
        function: Callable[..., int],
        *args: Any,
        folder: Path,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start it.

        Args:
            function: what to run, found by its name in its module.
            args: what it is given.
            folder: working folder.
            variables: changes of the environment.
        """
        handle, name = tempfile.mkstemp(suffix=".err")
        os.close(handle)
        self._messages = Path(name)
        self._process = _SERVER.Process(
            target=_run, args=(function, args, folder, dict(variables or {}), name)
        )
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """Exit status, negative where a signal ended it; None while it runs."""
        return self._process.exitcode

    @property
    def messages(self) -> str:
        """All that it has written to standard error so far."""
        return self._messages.read_text(encoding="utf-8")

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def end(self, seconds: float = 300) -> tuple[int, str]:
        """Wait for its end; return exit status and messages."""
        self._process.join(seconds)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
            raise AssertionError(f"it did not end: {self.messages}")
        messages = self.messages
        self._messages.unlink()
        return self._process.exitcode, messages


def program(*words: str) -> int:
    """Be `genrecls` with the given words."""
    from genrecls.cli.main import main

    return main(words)


def _run(
    function: Callable[..., int],
    args: tuple[Any, ...],
    folder: Path,
    variables: Mapping[str, str],
    messages: str,
) -> None:
    os.chdir(folder)
    os.environ.update(variables)
    os.environ.pop("GENRECLS_DEBUG", None)
    file = os.open(messages, os.O_WRONLY | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(file, 2)
    sys.exit(function(*args))
