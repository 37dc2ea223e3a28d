"""The folder in which a conversion and its child process tell each other what to do and what is.

`request.json` and `calibration.npz` go in; `<input>_<mode>.tflite` or `<input>_<mode>.txt`
(one line: why not) come out, each whole or not at all; `converter.log` has what the child said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.export.formats import ExportFormat
from genrecls.files.atomic import replacing, write_text
from genrecls.files.tables import write_json


@dataclass(frozen=True, eq=False)
class ConversionRequest:
    """What is to be converted.

    Attributes:
        model: a `.keras` file of genrecls.
        variants: in the order in which the results are wanted.
        calibration: segments of the training part for int8: name of an input to an array
            (segments, ...) of what the network takes; None where there is no int8 among them.
        unroll_steps: for int8, loops of at most so many steps are written out.
    """

    model: Path
    variants: tuple[ExportFormat, ...]
    calibration: Mapping[str, NDArray[np.float32]] | None
    unroll_steps: int


@dataclass(frozen=True, eq=False)
class ConversionResult:
    """What became of one variant.

    Attributes:
        flatbuffer: the TensorFlow Lite file, without a card; None if there is none.
        error: one line: which layer or what, why, and what to use instead; None if all is well.
    """

    variant: ExportFormat
    flatbuffer: bytes | None
    error: str | None


class ConversionFolder:
    """One such folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "converter.log"

    def prepare(self, request: ConversionRequest) -> None:
        """Write the request and forget earlier results."""
        for variant in request.variants:
            self._file(variant).unlink(missing_ok=True)
            self._error(variant).unlink(missing_ok=True)
        self.log.unlink(missing_ok=True)
        np.savez(self._segments, **(request.calibration or {}))  # type: ignore[arg-type]
        variants = [asdict(variant) for variant in request.variants]
        model = str(request.model.absolute())
        content = {"model": model, "variants": variants, "unroll_steps": request.unroll_steps}
        write_json(self._request, content)

    @property
    def model(self) -> Path:
        """The model file."""
        return Path(self._content["model"])

    @property
    def variants(self) -> list[ExportFormat]:
        """What is asked for."""
        return [ExportFormat(**fields) for fields in self._content["variants"]]

    @property
    def unroll_steps(self) -> int:
        """The longest loop that may be written out."""
        return int(self._content["unroll_steps"])

    @property
    def calibration(self) -> dict[str, NDArray[np.float32]] | None:
        """Segments by input."""
        with np.load(self._segments) as archive:
            return dict(archive) or None

    def result(self, variant: ExportFormat) -> ConversionResult | None:
        """Return what became of `variant`; None if nothing has yet."""
        if self._file(variant).is_file():
            return ConversionResult(variant, self._file(variant).read_bytes(), None)
        if self._error(variant).is_file():
            return ConversionResult(variant, None, self._error(variant).read_text(encoding="utf-8"))
        return None

    def keep(self, variant: ExportFormat, flatbuffer: bytes) -> None:
        """Write what was made of `variant`."""
        with replacing(self._file(variant), durable=False) as beside:
            beside.write_bytes(flatbuffer)

    def keep_error(self, variant: ExportFormat, line: str) -> None:
        """Write why there is no file of `variant`."""
        write_text(self._error(variant), line)

    @cached_property
    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self._request.read_text(encoding="utf-8"))
        return content

    @property
    def _request(self) -> Path:
        return self.folder / "request.json"

    @property
    def _segments(self) -> Path:
        return self.folder / "calibration.npz"

    def _file(self, variant: ExportFormat) -> Path:
        return self.folder / variant.file

    def _error(self, variant: ExportFormat) -> Path:
        return self._file(variant).with_suffix(".txt")
