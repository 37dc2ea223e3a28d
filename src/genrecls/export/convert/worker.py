"""The child process of the converter: `python -m genrecls.export.convert.worker FOLDER`.

The converter can end a process without an exception, so it never runs in that of the user. See
`genrecls.export.convert.conversion` for the other side and for what lies in the folder.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.segments import audio_window
from genrecls.errors import ExportError
from genrecls.export.convert.conversion_folder import ConversionFolder
from genrecls.export.convert.front_end import front_end
from genrecls.export.convert.input_normalisation import (
    Scaling,
    scaled,
    scalings,
    with_float32_normalisation,
    with_input_statistics,
)
from genrecls.export.convert.keras_rewrite import rebuilt
from genrecls.export.convert.limitations import refusal
from genrecls.export.formats import ExportFormat, Mode
from genrecls.export.tflite.converter_fixes import cleaned, concatenate
from genrecls.runs.model_file import load

Calibration = Mapping[str, NDArray[np.float32]]


_PARENT_POLL_S = 0.5


def main(folder: Path) -> None:
    """Convert what the request in `folder` asks for and what has no result yet."""
    place = ConversionFolder(folder)
    task = _Task(place)
    for variant in place.variants:
        if place.result(variant) is None:
            try:
                place.keep(variant, task.convert(variant))
            except Exception as error:  # noqa: BLE001 - a converter may raise anything
                place.keep_error(variant, _line(error))


def _line(error: Exception) -> str:
    """Return the first line of an error; those of the converter go on for pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if isinstance(error, ExportError) else f"the converter says '{text}'"


class _Task:
    """One model and what has been made of it."""

    def __init__(self, place: ConversionFolder) -> None:
        self._place = place
        self._model, self._card = load(place.model)
        self._calibration = place.calibration

    def convert(self, variant: ExportFormat) -> bytes:
        """Return the file.

        Raises:
            ExportError: it is known to be impossible.
        """
        reason = refusal(self._model, self._card, variant, self._place.unroll_steps)
        if reason:
            raise ExportError(reason)
        if variant.input == "features":
            return network(self._model, variant.mode, self._calibration)
        made = self._converted(variant.mode)
        if variant.mode != "int8":
            return concatenate(self._front_end(), made)
        (scaling,) = scalings(self._model).values() or (None,)
        return concatenate(self._front_end(scaling), made)

    def _converted(self, mode: Mode) -> bytes:
        """Return the network of the file that takes features, from there if there is a file."""
        made = self._place.result(ExportFormat("features", mode))
        if made is None or made.flatbuffer is None:
            # What ended an earlier child, such as a lack of memory, may not happen again.
            return network(self._model, mode, self._calibration)
        return made.flatbuffer

    def _front_end(self, scaling: Scaling | None = None) -> bytes:
        features, segment = self._card.features, self._card.segment
        length = audio_window(asdict(features), asdict(segment)).length
        return front_end(features, length, padded=segment.source == "audio", scaling=scaling)


def network(model: Any, mode: Mode, calibration: Calibration | None) -> bytes:
    """Return a trained network as a TensorFlow Lite file for its own inputs.

    Raises:
        ExportError: int8 was asked for without calibration.
    """
    if mode != "int8":
        content = cleaned(_converter(rebuilt(model), mode).convert())
        return (
            with_float32_normalisation(content, scalings(model)) if mode == "float16" else content
        )
    if calibration is None:
        raise ExportError("int8: expected segments for the calibration, received none")
    found = scalings(model)
    twin = rebuilt(model, unroll=True, normalise=False)
    content = cleaned(_converter(twin, mode, scaled(calibration, found)).convert())
    return with_input_statistics(content, found)


def _converter(model: Any, mode: Mode, calibration: Calibration | None = None) -> Any:
    """Return TensorFlow's converter, set for `mode`."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if mode != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if calibration is not None:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        converter.representative_dataset = lambda: _one_by_one(calibration)
    return converter


def _one_by_one(calibration: Calibration) -> Iterator[dict[str, NDArray[np.float32]]]:
    count = min(len(array) for array in calibration.values())
    for index in range(count):
        yield {name: array[index : index + 1] for name, array in calibration.items()}


def end_with_parent() -> None:
    """From now on, end this process soon after its parent ended, however that happened."""
    Thread(target=_wait_for_end, args=(os.getppid(),), daemon=True).start()


def _wait_for_end(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_S)
    # An exception would end this thread alone.
    os._exit(1)


if __name__ == "__main__":
    end_with_parent()
    main(Path(sys.argv[1]))
