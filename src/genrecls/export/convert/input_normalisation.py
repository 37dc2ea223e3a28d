"""The normalisation of a network where its input is quantised, and in half precision.

One scale for all coefficients is too coarse: the first MFCC spans hundreds, the twelfth a dozen,
and the columns of a summary eight powers of ten. So the normalisation of an int8 file is the
quantisation of its input: `q = round((value - mean) / deviation / scale) + zero_point`, with a mean
and a deviation for each coefficient. They lie in the file as two constants beside the input, called
`<input>/mean` and `<input>/deviation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.export.tflite.flatbuffer import compact, content_of, is_kind, pack, read, schema
from genrecls.models.base import Normalisation
from genrecls.runtime.network import DEVIATION, MEAN

Values = NDArray[np.float32]
Statistics = Mapping[str, Normalisation]


def normalise(inputs: Mapping[str, Values], statistics: Statistics) -> dict[str, Values]:
    """Return the inputs, normalised where there are statistics."""
    return {
        name: np.asarray(
            (values - statistics[name].mean) / statistics[name].deviation
            if name in statistics
            else values,
            np.float32,
        )
        for name, values in inputs.items()
    }


def with_input_statistics(content: bytes, statistics: Statistics) -> bytes:
    """Return a cleaned file that says how its inputs are to be normalised."""
    model = read(content)
    for name, known in statistics.items():
        for suffix, values in ((MEAN, known.mean), (DEVIATION, known.deviation)):
            tensor = schema().TensorT()
            tensor.name, tensor.shape = name + suffix, [len(values)]
            tensor.type = schema().TensorType.FLOAT32
            tensor.buffer = _append_buffer(model, values)
            model.subgraphs[0].tensors.append(tensor)
    return pack(model)


def with_float32_normalisation(content: bytes, statistics: Statistics) -> bytes:
    """Return a cleaned float16 file whose normalisation is in float32 again.

    Half precision has three digits and ends at 65,504: the mean of a spectral centroid keeps none
    that matter, and the variance of a roll-off is beyond it. These few numbers need no saving.
    """
    model = read(content)
    main = model.subgraphs[0]
    for operator in list(main.operators):
        if not is_kind(model, operator, "DEQUANTIZE"):
            continue
        halves = content_of(model.buffers[main.tensors[operator.inputs[0]].buffer])
        exact = _before_rounding(np.frombuffer(halves, np.float16), statistics)
        if exact is not None:
            main.tensors[operator.outputs[0]].buffer = _append_buffer(model, exact)
            main.operators.remove(operator)
    compact(model)
    return pack(model)


def _before_rounding(halves: NDArray[np.float16], statistics: Statistics) -> Values | None:
    """Return the part of a normalisation that rounds to these numbers; None if there is none."""
    for known in statistics.values():
        for values in (known.mean, 1 / known.deviation):
            with np.errstate(over="ignore"):
                rounded = values.astype(np.float16)
            if rounded.shape == halves.shape:
                # One step of half precision apart, for the converter divides in its own way.
                places = (half.view(np.int16).astype(np.int64) for half in (rounded, halves))
                if (abs(np.subtract(*places)) <= 1).all():
                    return np.asarray(values, np.float32)
    return None


def _append_buffer(model: Any, values: NDArray[np.floating]) -> int:
    """Put values into a buffer of their own and return its place."""
    buffer = schema().BufferT()
    buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1
