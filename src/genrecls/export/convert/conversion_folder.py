"""The folder that a conversion and its child process exchange requests and results by.

`request.json`, `calibration.npz` and `selection.npz` go in; `<input>_<mode>.tflite` or
`<input>_<mode>.txt` (one line: why not) come out, each whole or not at all; `converter.log` has
what the child printed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.export.convert.mixed import MixedSelection
from genrecls.export.formats import ExportFormat
from genrecls.files.atomic import replacing, write_text
from genrecls.files.tables import write_json


@dataclass(frozen=True, eq=False)
class ConversionRequest:
    """What is to be converted.

    Attributes:
        model: a `.keras` file of genrecls, or what `untrained` writes.
        formats: in the order in which the results are wanted.
        calibration: segments of the training part for int8 and mixed: name of an input to an array
            (segments, ...) of what the network takes; None where there is neither among them.
        unroll_steps: for int8, loops of at most so many steps are written out.
        selection: for mixed, what decides which layers stay float; None where it is not wanted.
    """

    model: Path
    formats: tuple[ExportFormat, ...]
    calibration: Mapping[str, NDArray[np.float32]] | None
    unroll_steps: int
    selection: MixedSelection | None = None


@dataclass(frozen=True, eq=False)
class ConversionResult:
    """What became of one format.

    Attributes:
        flatbuffer: the TensorFlow Lite file, without a card; None if there is none.
        error: one line: which layer or what, why, and what to use instead; None if all is well.
    """

    format: ExportFormat
    flatbuffer: bytes | None
    error: str | None


class ConversionFolder:
    """One such folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "converter.log"
        self._request = folder / "request.json"
        self._calibration = folder / "calibration.npz"
        self._selection = folder / "selection.npz"

    def write_request(self, request: ConversionRequest) -> None:
        """Write the request and remove earlier results."""
        for wanted in request.formats:
            self._file(wanted).unlink(missing_ok=True)
            self._error(wanted).unlink(missing_ok=True)
        self.log.unlink(missing_ok=True)
        np.savez(self._calibration, **(request.calibration or {}))  # type: ignore[arg-type]
        selection = request.selection
        np.savez(self._selection, **(selection.examples if selection else {}))  # type: ignore[arg-type]
        content = {
            "model": str(request.model.absolute()),
            "formats": [asdict(wanted) for wanted in request.formats],
            "unroll_steps": request.unroll_steps,
            "selection": selection and [selection.difference, selection.decisions],
        }
        write_json(self._request, content)

    def read_request(self) -> ConversionRequest:
        """Return the request."""
        content = json.loads(self._request.read_text(encoding="utf-8"))
        with np.load(self._calibration) as archive:
            calibration = dict(archive) or None
        selection = None
        if (bounds := content["selection"]) is not None:
            with np.load(self._selection) as archive:
                selection = MixedSelection(dict(archive), *bounds)
        formats = tuple(ExportFormat(**fields) for fields in content["formats"])
        return ConversionRequest(
            Path(content["model"]), formats, calibration, content["unroll_steps"], selection
        )

    def result(self, wanted: ExportFormat) -> ConversionResult | None:
        """Return what became of a format; None if nothing has yet."""
        if self._file(wanted).is_file():
            return ConversionResult(wanted, self._file(wanted).read_bytes(), None)
        if self._error(wanted).is_file():
            return ConversionResult(wanted, None, self._error(wanted).read_text(encoding="utf-8"))
        return None

    def keep(self, wanted: ExportFormat, flatbuffer: bytes) -> None:
        """Write the file of a format."""
        with replacing(self._file(wanted), durable=False) as beside:
            beside.write_bytes(flatbuffer)

    def keep_error(self, wanted: ExportFormat, line: str) -> None:
        """Write why there is no file of a format."""
        write_text(self._error(wanted), line)

    def _file(self, wanted: ExportFormat) -> Path:
        return self.folder / wanted.file

    def _error(self, wanted: ExportFormat) -> Path:
        return self._file(wanted).with_suffix(".txt")
