"""Processes that begin with TensorFlow loaded: what the import takes is paid for once.

They are forked from a server that has imported it and computed nothing, and are otherwise what a
process started by a user is: signals, exit status and messages are their own.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

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
    def pid(self) -> int:
        """Number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit status, negative where a signal ended it; None while it runs."""
        return self._process.exitcode

    @property
    def messages(self) -> str:
        """All that it has written to standard error so far."""
        return self._messages.read_text(encoding="utf-8")

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing where it has ended, as of `Popen`."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

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


class ForkedModule:
    """Stands for `subprocess.Popen` where the program starts one of its own modules.

    The command is `python ... -m module words`, its output goes to files, its input is a pipe that
    this process holds open. The server forks it or, in a process of the server, that process does.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdout: BinaryIO,
        stderr: int | BinaryIO = subprocess.STDOUT,
        env: Mapping[str, str] | None = None,
        **_: Any,
    ) -> None:
        """Start it as the leader of a session."""
        inside = multiprocessing.parent_process() is not None
        context: Any = multiprocessing.get_context("fork") if inside else _SERVER
        reading, self.stdin = context.Pipe(duplex=False)
        words = command[command.index("-m") + 1 :]
        outputs = [file for file in (stdout, stderr) if not isinstance(file, int)]
        files = [Path(file.name).absolute() for file in outputs]
        variables = dict(os.environ if env is None else env)
        self._process = context.Process(
            target=_run_module, args=(words, files, variables, Path.cwd(), reading, inside)
        )
        self._process.start()
        reading.close()
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, negative where a signal ended it; None while it runs."""
        status: int | None = self._process.exitcode
        return status

    def wait(self) -> None:
        """Wait for its end."""
        self._process.join()

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send it SIGKILL."""
        self._process.kill()


def _run_to_end(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, **_: Any
) -> subprocess.CompletedProcess[str]:
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        process = ForkedModule(command, stdout=out, stderr=err, env=env)  # type: ignore[arg-type]
        process.wait()
        texts = [Path(file.name).read_text(encoding="utf-8") for file in (out, err)]
    return subprocess.CompletedProcess(command, process.poll() or 0, *texts)


SUBPROCESS = SimpleNamespace(
    **{**vars(subprocess), "Popen": ForkedModule, "run": _run_to_end},
)
"""Stands for the module `subprocess` in `PARENTS`, the modules that start others of the program."""

PARENTS = (
    "genrecls.sweeps.process",
    "genrecls.export.convert.conversion",
    "genrecls.benchmark.benchmark",
)


def _run_module(
    words: Sequence[str],
    files: Sequence[Path],
    variables: Mapping[str, str],
    folder: Path,
    reading: Connection,
    inside: bool,
) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _take_signals()
    out, *rest = (os.open(file, os.O_WRONLY | os.O_APPEND) for file in files)
    for own, number in ((reading.fileno(), 0), (out, 1), (rest[0] if rest else out, 2)):
        os.dup2(own, number)
    if inside:
        # The locks of its parent and the inputs of the others that it has started.
        os.closerange(3, 1 << 12)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv = list(words)
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


def _take_signals() -> None:
    """Let signals have the effect that they have by themselves; nohup makes SIGHUP ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def program(*words: str) -> int:
    """Be `genrecls` with the given words."""
    from genrecls.cli.main import main

    return main(words)


def undrawn_program(*words: str) -> int:
    """Be `genrecls` with the given words, whose reports have no figures."""
    from genrecls.explain import examples_per_genre
    from genrecls.reports import run

    run.draw = lambda _: {}  # type: ignore[assignment]
    examples_per_genre.explain_examples = lambda *_: []
    return program(*words)


def _run(
    function: Callable[..., int],
    args: tuple[Any, ...],
    folder: Path,
    variables: Mapping[str, str],
    messages: str,
) -> None:
    _take_signals()
    os.chdir(folder)
    os.environ.update(variables)
    os.environ.pop("GENRECLS_DEBUG", None)
    file = os.open(messages, os.O_WRONLY | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(file, 2)
    sys.exit(function(*args))
