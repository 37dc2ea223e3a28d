"""The normalisation of an int8 network, done where its input is quantised.

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

from genrecls.export.schema import classes, packed, read
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
        layer.name.removeprefix("normalise_"): Scaling(
            np.ravel(np.asarray(layer.mean, np.float32)),
            np.maximum(np.ravel(np.sqrt(np.asarray(layer.variance, np.float32))), _LEAST),
        )
        for layer in model.layers
        if is_normalisation(layer)
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


def described(content: bytes, found: Mapping[str, Scaling]) -> bytes:
    """Return a tidied file that says how its inputs are to be normalised."""
    model = read(content)
    for name, scaling in found.items():
        _add(model, name + MEAN, scaling.mean)
        _add(model, name + DEVIATION, scaling.deviation)
    return packed(model)


def _add(model: Any, name: str, values: Values) -> None:
    schema = classes()
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
    tensor.name, tensor.shape, tensor.type = name, [len(values)], schema.TensorType.FLOAT32
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)
    model.subgraphs[0].tensors.append(tensor)
