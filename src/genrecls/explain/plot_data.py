"""The inputs of one segment and the evidence in them, made ready to be drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.explain.explained import Axis, Evidence
from genrecls.explain.frequency_axis import axis_of, in_hz
from genrecls.explain.layers import normalisations
from genrecls.features.base import FeatureSpec

if TYPE_CHECKING:
    import keras

Arrays = Mapping[str, NDArray[np.floating[Any]]]


def drawn(
    model: keras.Model,
    spec: FeatureSpec,
    inputs: Arrays,
    weights: Arrays,
    place: tuple[float, float],
) -> Iterator[Evidence]:
    """Yield each input with its evidence, that of the channels of a picture added up.

    Mel bands stay in dB; everything else is standardised as the network does it, because its
    coefficients have nothing in common.

    Args:
        model: the network, which knows the statistics.
        spec: what made the inputs.
        inputs: the arrays of one segment.
        weights: the evidence, in the same shapes.
        place: beginning and end of the segment in seconds.
    """
    statistics = normalisations(model)
    for name, given in inputs.items():
        values, summed, unit = given, weights[name], "dB"
        if not (in_hz(spec) and is_picture(given)):
            mean, variance = statistics.get(name, (0.0, 1.0))
            values = (given - mean) / np.sqrt(variance)
            unit = "deviations from the mean" if name in statistics else "value"
        if values.ndim == 3:
            values, summed = values.mean(axis=2), summed.sum(axis=2)
        axis = axis_of(spec, values.shape[1]) if is_picture(values) else _values_of(spec, values)
        yield Evidence(name, values, summed, axis, unit, place)


def is_picture(values: NDArray[Any]) -> bool:
    """Return whether one input of one segment has a time axis and another one."""
    return values.ndim in {2, 3}


def _values_of(spec: FeatureSpec, vector: NDArray[Any]) -> Axis:
    """Return the names of the values of a vector, as the features call them or by number."""
    names = tuple(getattr(spec, "names", ()))
    numbers = tuple(f"value {number}" for number in range(1, vector.size + 1))
    return Axis("value", names=names if len(names) == vector.size else numbers)
