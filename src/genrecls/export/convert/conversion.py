"""From a model file to TensorFlow Lite files, by a child process that is allowed to crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
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
"""Seconds for one format; VGG-16, the slowest, takes less than two minutes."""

# The last message before a crash should not be a warning about something else.
WORKER = (sys.executable, "-P", "-W", "ignore", "-m", "genrecls.export.convert.worker")
"""The command of the child process, to which the conversion folder is added."""

_POLL_S = 0.05


def convert(
    request: ConversionRequest, folder: Path | None = None
) -> Generator[ConversionResult, None, None]:
    """Yield what becomes of each format, in order, as soon as it is known.

    A crash of the converter costs the format it was working on; another child does the rest.

    Args:
        request: model, formats and what they need.
        folder: where requests, results and the converter's messages stay; None for nowhere.

    Raises:
        ExportError: the child cannot even begin.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="genrecls-") as temporary:
            yield from convert(request, Path(temporary))
        return
    folder.mkdir(parents=True, exist_ok=True)
    shared = ConversionFolder(folder)
    shared.write_request(request)
    children = _Children(shared)
    try:
        for wanted in request.formats:
            yield children.result(wanted)
    finally:
        children.stop()


class _Children:
    """The child process that converts, and a new one each time it crashes."""

    def __init__(self, folder: ConversionFolder) -> None:
        self._folder = folder
        self._child: subprocess.Popen[bytes] | None = None

    def result(self, wanted: ExportFormat) -> ConversionResult:
        """Return what becomes of a format, however many children that takes."""
        until = time.monotonic() + LIMIT_S
        while (result := self._folder.result(wanted)) is None:
            if self._child is None:
                with self._folder.log.open("ab") as log:
                    self._child = subprocess.Popen(  # noqa: S603 - our own module
                        [*WORKER, str(self._folder.folder)],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        # It has no use for a GPU, whose memory a training may need.
                        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
                    )
            status = self._child.poll()
            if status is not None:
                self._child = None
                # It may have left a result just before it ended.
                if self._folder.result(wanted) is None:
                    self._record_child_exit(wanted, status)
            elif time.monotonic() > until:
                self.stop()
                text = f"the converter was stopped after {LIMIT_S:.0f} s without a result"
                self._folder.keep_error(wanted, text)
            else:
                time.sleep(_POLL_S)
        return result

    def _record_child_exit(self, wanted: ExportFormat, status: int) -> None:
        """Write down why a child ended without a result."""
        log = self._folder.log.read_text(encoding="utf-8", errors="replace").split("\n")
        messages = [line.strip() for line in log if line.strip()]
        last = f"'{messages[-1][:200]}'" if messages else "none"
        if status >= 0:
            raise ExportError(f"the converter could not begin (status {status}): {last}")
        # Nothing sends this one to itself; on Windows it does not exist.
        if -status == getattr(signal, "SIGKILL", None):
            line = (
                f"the converter was killed (signal {-status}): out of memory, or by someone; close "
                "other programs and export again"
            )
        else:
            line = (
                f"the converter crashed (signal {-status}, {signal.Signals(-status).name}); its "
                f"last message: {last}; use another mode for this model"
            )
        self._folder.keep_error(wanted, line)

    def stop(self) -> None:
        """End the child, if there is one."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None
