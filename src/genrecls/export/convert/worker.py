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
    normalise,
    with_float32_normalisation,
    with_input_statistics,
)
from genrecls.export.convert.keras_rewrite import rewrite
from genrecls.export.convert.limitations import refusal
from genrecls.export.convert.mixed import MixedSelection, mixed_precision
from genrecls.export.convert.rounded import convert_rounded
from genrecls.export.convert.untrained import NAME, read_untrained
from genrecls.export.formats import ExportFormat, Mode
from genrecls.export.tflite.converter_fixes import clean, concatenate
from genrecls.models.layers import input_statistics
from genrecls.models.rounding import is_rounded
from genrecls.runs.model_file import ModelCard, load

Segments = Mapping[str, NDArray[np.float32]]

_PARENT_POLL_S = 0.5


def main(path: Path) -> None:
    """Convert what the request in the folder `path` asks for and what has no result yet."""
    folder = ConversionFolder(path)
    request = folder.read_request()
    untrained = request.model.name == NAME
    model, card = (read_untrained if untrained else load)(request.model)
    for wanted in request.formats:
        if folder.result(wanted) is not None:
            continue
        try:
            reason = refusal(model, card, wanted, request.unroll_steps)
            if reason:
                raise ExportError(reason)
            made = folder.result(ExportFormat("features", wanted.mode))
            # What ended an earlier child, such as a lack of memory, may not happen again.
            if made is None or made.flatbuffer is None:
                content = network(model, wanted.mode, request.calibration, request.selection)
            else:
                content = made.flatbuffer
            if wanted.input == "audio":
                content = concatenate(_front_end(model, card, wanted.mode), content)
            folder.keep(wanted, content)
        except ExportError as error:
            folder.keep_error(wanted, str(error))
        except Exception as error:  # noqa: BLE001 - a converter may raise anything
            # Its errors go on for pages.
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            first = lines[0] if lines else type(error).__name__
            folder.keep_error(wanted, f"the converter says '{first}'")


def _front_end(model: Any, card: ModelCard, mode: Mode) -> bytes:
    """Return the file that computes what the network takes; for int8 it normalises as well."""
    features, segment = card.features, card.segment
    length = audio_window(asdict(features), asdict(segment)).length
    statistics = None
    if mode == "int8":
        (statistics,) = input_statistics(model).values() or (None,)
    return front_end(features, length, padded=segment.source == "audio", statistics=statistics)


def network(
    model: Any, mode: Mode, calibration: Segments | None, selection: MixedSelection | None = None
) -> bytes:
    """Return a trained network as a TensorFlow Lite file for its own inputs.

    Raises:
        ExportError: int8 or mixed was asked for without what it needs.
    """
    statistics = input_statistics(model)
    if mode == "mixed":
        if calibration is None or selection is None:
            raise ExportError(
                "mixed: expected segments to calibrate and select with, received none"
            )
        content = converter(rewrite(model), "float32").convert()
        return clean(mixed_precision(content, calibration, selection))
    if mode != "int8":
        content = clean(converter(rewrite(model), mode).convert())
        return with_float32_normalisation(content, statistics) if mode == "float16" else content
    if calibration is None:
        raise ExportError("int8: expected segments for the calibration, received none")
    plain = rewrite(model, unroll=True, normalise=False)
    examples = normalise(calibration, statistics)
    if is_rounded(model):
        content = clean(convert_rounded(plain, examples), list(plain.input))
    else:
        content = clean(converter(plain, mode, examples).convert())
    return with_input_statistics(content, statistics)


def converter(model: Any, mode: Mode, calibration: Segments | None = None) -> Any:
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

        def one_by_one() -> Iterator[dict[str, NDArray[np.float32]]]:
            for index in range(min(map(len, calibration.values()))):
                yield {name: array[index : index + 1] for name, array in calibration.items()}

        converter.representative_dataset = one_by_one
    return converter


def end_with_parent() -> None:
    """From now on, end this process soon after its parent ended, however that happened."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_POLL_S)
        # An exception would end this thread alone.
        os._exit(1)

    Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    main(Path(sys.argv[1]))
