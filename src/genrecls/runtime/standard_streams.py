"""The standard streams of this process, whatever whoever started it has left of them."""

from __future__ import annotations

import errno
import io
import os
import sys

from genrecls.errors import ConfigError
from genrecls.safe_text import for_terminal


class _Messages(io.TextIOWrapper):
    """Standard error that fails no command: where it cannot be written, messages are lost alone."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            self._discard()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self._discard()

    def _discard(self) -> None:
        # What waits in the buffer would fail again, at the latest when the process ends.
        nobody = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nobody, self.fileno())
        os.close(nobody)


def prepare_standard_streams() -> None:
    """Open what is closed, and let no stream fail because of a character that it cannot take.

    Raises:
        ConfigError: standard output is closed, and results would be lost.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # Otherwise the next file gets this number, and in it whatever libraries print.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    elif sys.stderr is sys.__stderr__ and type(sys.stderr) is io.TextIOWrapper:
        # A shell script without standard error leaves a file there that can only be read.
        sys.stderr = _Messages(sys.stderr.buffer, sys.stderr.encoding, line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    fault = _fault_of_output()
    if fault:
        raise ConfigError(
            f"standard output {fault}, where results are written; send it to a file (>FILE), or "
            f"to {os.devnull} where nobody reads it"
        )


def _fault_of_output() -> str:
    """Return why nothing can be written to the output of this process; else nothing."""
    if sys.stdout is None:
        return "is closed"
    if sys.__stdout__ is not None and sys.stdout is sys.__stdout__:
        try:
            os.write(sys.__stdout__.fileno(), b"")
        except OSError as error:
            if error.errno == errno.EBADF:
                return "can only be read (1<FILE)"
    return ""


def write(text: str) -> None:
    """Write a part of a result to standard output at once: whoever reads a pipe has it now.

    Raises:
        OSError: it cannot be written; the pipe may have nobody who reads it.
    """
    print(for_terminal(text, sys.stdout.encoding), end="", flush=True)  # noqa: T201


def write_line(text: str) -> None:
    """Write a result and a line break, as `write` does."""
    write(f"{text}\n")
