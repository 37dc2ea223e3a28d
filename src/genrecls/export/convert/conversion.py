"""From a model file to TensorFlow Lite files, by a child process that is allowed to crash."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genrecls.errors import ExportError
from genrecls.export.convert.conversion_folder import (
    ConversionFolder,
    ConversionRequest,
    ConversionResult,
)
from genrecls.export.formats import ExportFormat

__all__ = ["ConversionRequest", "ConversionResult", "convert"]

LIMIT_S = 1800.0
"""Seconds for one variant; VGG-16, the slowest, takes less than two minutes."""

_POLL_S = 0.05


def convert(request: ConversionRequest, folder: Path | None = None) -> Iterator[ConversionResult]:
    """Yield what becomes of each variant, in order, as soon as it is known.

    A crash of the converter costs the variant it was working on; another child does the rest.

    Args:
        request: model, variants and what they need.
        folder: where requests, results and the converter's messages stay; None for nowhere.

    Raises:
        ExportError: the child cannot even begin.
    """
    with _folder(folder) as path:
        place = ConversionFolder(path)
        place.prepare(request)
        with _Children(place) as children:
            for variant in request.variants:
                yield children.result(variant)


@contextmanager
def _folder(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="genrecls-") as temporary:
        yield Path(temporary)


class _Children:
    """One child process after another, each until it dies."""

    def __init__(self, place: ConversionFolder) -> None:
        self._place = place
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> _Children:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def result(self, variant: ExportFormat) -> ConversionResult:
        """Return what becomes of `variant`, with whatever number of children."""
        until = time.monotonic() + LIMIT_S
        while (found := self._place.result(variant)) is None:
            if self._child is None:
                self._child = _started(self._place)
            status = self._child.poll()
            if status is not None:
                self._record_child_exit(variant, status)
            elif time.monotonic() > until:
                self._stop()
                text = f"the converter was stopped after {LIMIT_S:.0f} s without a result"
                self._place.keep_error(variant, text)
            else:
                time.sleep(_POLL_S)
        return found

    def _record_child_exit(self, variant: ExportFormat, status: int) -> None:
        """Note that a child ended, unless it left a result just before."""
        self._child = None
        if self._place.result(variant) is not None:
            return
        said = _last_line(self._place.log)
        if status >= 0:
            raise ExportError(f"the converter could not begin (status {status}): {said}")
        self._place.keep_error(variant, _why_ended(-status, said))

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None


def _why_ended(number: int, said: str) -> str:
    # Nothing sends this one to itself; on Windows it does not exist.
    if number == getattr(signal, "SIGKILL", None):
        return (
            f"the converter was killed (signal {number}): out of memory, or by someone; close "
            "other programs and export again"
        )
    name = signal.Signals(number).name
    return (
        f"the converter crashed (signal {number}, {name}); its last message: {said}; use another "
        "mode for this model"
    )


def _started(place: ConversionFolder) -> subprocess.Popen[bytes]:
    with place.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own module in our own interpreter
            _command(place), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )


def _command(place: ConversionFolder) -> list[str]:
    # The last message before a crash should not be a warning about something else.
    return [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "genrecls.export.convert.worker",
        str(place.folder),
    ]


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return f"'{said[-1][:200]}'" if said else "none"
