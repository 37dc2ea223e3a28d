"""The normalisation of a network where its input is quantised, and in half precision.

One scale for all coefficients is too coarse: the first MFCC spans hundreds, the twelfth a dozen,
and the columns of a summary eight powers of ten. So the normalisation of an int8 file is the
quantisation of its input: `q = round((value - mean) / deviation / scale) + zero_point`, with a mean
and a deviation for each coefficient. They lie in the file as two constants beside the input, called
`<input>/mean` and `<input>/deviation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.export.tflite.schema import classes, compact, content_of, is_kind, packed, read
from genrecls.models.layers import input_statistics
from genrecls.runtime.network import DEVIATION, MEAN

if TYPE_CHECKING:
    import keras

Values = NDArray[np.float32]

# As Keras does, so that what never varies is not divided by zero.
_LEAST = np.float32(1e-7)


@dataclass(frozen=True, eq=False)
class Scaling:
    """The normalisation of one input: less the mean, divided by the deviation.

    Attributes:
        mean, deviation: one value for each item of the last axis of the input.
    """

    mean: Values
    deviation: Values

    def apply(self, values: Values) -> Values:
        """Return normalised values."""
        return np.asarray((values - self.mean) / self.deviation, np.float32)


def scalings(model: keras.Model) -> dict[str, Scaling]:
    """Return the normalisation with which a network begins, by input; empty if with none."""
    return {
        name: Scaling(
            np.asarray(statistics.mean, np.float32),
            np.maximum(np.sqrt(np.asarray(statistics.variance, np.float32)), _LEAST),
        )
        for name, statistics in input_statistics(model).items()
    }


def is_normalisation(layer: Any) -> bool:
    """Return whether a layer of Keras standardises an input."""
    return type(layer).__name__ == "Normalization"


def scaled(inputs: Mapping[str, Values], found: Mapping[str, Scaling]) -> dict[str, Values]:
    """Return the inputs, those that have a normalisation normalised."""
    return {
        name: found[name].apply(values) if name in found else values
        for name, values in inputs.items()
    }


def with_input_statistics(content: bytes, found: Mapping[str, Scaling]) -> bytes:
    """Return a tidied file that says how its inputs are to be normalised."""
    model = read(content)
    for name, scaling in found.items():
        _add(model, name + MEAN, scaling.mean)
        _add(model, name + DEVIATION, scaling.deviation)
    return packed(model)


def with_float32_normalisation(content: bytes, found: Mapping[str, Scaling]) -> bytes:
    """Return a tidied float16 file whose normalisation is in float32 again.

    Half precision has three digits and ends at 65,504: the mean of a spectral centroid keeps none
    that matter, and the variance of a roll-off is beyond it. These few numbers need no saving.
    """
    model = read(content)
    main = model.subgraphs[0]
    for operator in list(main.operators):
        if not is_kind(model, operator, "DEQUANTIZE"):
            continue
        halves = content_of(model.buffers[main.tensors[operator.inputs[0]].buffer])
        exact = _exact(np.frombuffer(halves, np.float16), found)
        if exact is not None:
            target = main.tensors[operator.outputs[0]]
            target.buffer = _buffer(model, exact)
            main.operators.remove(operator)
    compact(model)
    return packed(model)


def _exact(halves: NDArray[np.float16], found: Mapping[str, Scaling]) -> Values | None:
    """Return the part of a normalisation that rounds to these numbers."""
    for scaling in found.values():
        for values in (scaling.mean, 1 / scaling.deviation):
            with np.errstate(over="ignore"):
                rounded = values.astype(np.float16)
            # One step of half precision apart, for the converter divides in its own way.
            if rounded.shape == halves.shape and (_steps(rounded, halves) <= 1).all():
                return np.asarray(values, np.float32)
    return None


def _steps(one: NDArray[np.float16], other: NDArray[np.float16]) -> NDArray[np.int64]:
    return np.abs(one.view(np.int16).astype(np.int64) - other.view(np.int16))


def _add(model: Any, name: str, values: Values) -> None:
    schema = classes()
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = name, [len(values)], schema.TensorType.FLOAT32
    tensor.buffer = _buffer(model, values)
    model.subgraphs[0].tensors.append(tensor)


def _buffer(model: Any, values: Values) -> int:
    """Put values into a buffer of their own and return its place."""
    buffer = classes().BufferT()
    buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1
