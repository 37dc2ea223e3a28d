"""The one family of errors that genrecls raises on purpose.

Whatever derives from `GenreclsError` reaches the user as a single line; its message therefore says
what was expected, what was received and what to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

EXIT_BUSY = 75
"""Exit status of a command whose run another process works on: EX_TEMPFAIL of `sysexits.h`."""

_LONGEST_SHOWN = 80


class GenreclsError(Exception):
    """Root of all errors that are the user's business and not a bug."""


class ConfigError(GenreclsError):
    """A configuration names an unknown key, has a wrong value or an impossible combination."""


class DataError(GenreclsError):
    """A data set is absent, incomplete or not what it should be."""


class DamagedFile(GenreclsError):
    """A file cannot be read, or does not hold what it should.

    Attributes:
        path: the file.
        reason: what is wrong with it, in one line.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = " ".join(reason.split())
        super().__init__(f"{path} is damaged ({self.reason})")

    # An exception is pickled by its message alone, which is not how this one is made.
    def __reduce__(self) -> tuple[type[DamagedFile], tuple[Path, str]]:
        return type(self), (self.path, self.reason)


class LeakError(GenreclsError):
    """A split puts on both sides what it promised to keep apart."""


class RunError(GenreclsError):
    """A run folder is missing, unfinished, busy or damaged."""


class RunBusy(RunError):
    """Another process is at work on the run; the same command may succeed later."""


class ModelFileError(GenreclsError):
    """A model file cannot be read or does not describe itself."""


class ExportError(GenreclsError):
    """A model cannot be exported as asked, or what came out is not good enough."""


class Interrupted(GenreclsError):
    """A training was stopped from outside and has written a checkpoint."""


def out_of_memory(error: BaseException, *, training: bool = True) -> str:
    """Return the line for an error that says that memory does not suffice; else an empty text.

    Args:
        error: any error.
        training: whether the command takes the settings of a training, which would help.
    """
    # TensorFlow has a class of its own for it, which is not imported for this.
    if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":
        return ""
    reason = " ".join(str(error).split())[:200]
    smaller = "shorter segments, a smaller trainer.batch_size, smaller features or a smaller model"
    return (
        f"out of memory{f' ({reason})' if reason else ''}; use "
        f"{f'{smaller}, or ' if training else ''}a machine with more memory"
    )


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its class if it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return `"; did you mean 'x'?"` for the choice that looks like `word`, else an empty text."""
    small = {choice.lower(): choice for choice in choices}
    matches = get_close_matches(word.lower(), list(small), n=1, cutoff=0.6)
    return f"; did you mean '{small[matches[0]]}'?" if matches else ""


def shown(value: Any) -> str:
    """Return a value as it would stand in a file, on one line, long ones cut."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def shown_name(value: Any) -> str:
    """Return a name as `shown`, without quotes around it."""
    return shown(value).strip("'\"")
