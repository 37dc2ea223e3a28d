"""The inputs of one segment and the evidence in them, made ready to be drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.explain.frequency_axis import Axis, axis_of, in_hz, unit_of
from genrecls.features.base import FeatureSpec
from genrecls.models.layers import input_statistics

if TYPE_CHECKING:
    import keras

Arrays = Mapping[str, NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class Evidence:
    """One input of one segment, and what in it spoke for a genre and what against it.

    Attributes:
        name: name of the input.
        values: what the model saw, (frames, coefficients) or (values,).
        weights: nats for (positive) or against the genre, in the same shape.
        axis: what the coefficients or values are.
        unit: unit of `values`.
        place: beginning and end of the segment in seconds.
    """

    name: str
    values: NDArray[np.floating[Any]]
    weights: NDArray[np.floating[Any]]
    axis: Axis
    unit: str
    place: tuple[float, float]


def evidence_of(
    model: keras.Model,
    spec: FeatureSpec,
    inputs: Arrays,
    weights: Arrays,
    place: tuple[float, float],
) -> Iterator[Evidence]:
    """Yield each input with its evidence, that of the channels of a picture added up.

    Mel bands stay as they are; everything else is standardised as the network does it, because its
    coefficients have nothing in common.

    Args:
        model: the network, which knows the statistics.
        spec: what made the inputs.
        inputs: the arrays of one segment.
        weights: the evidence, in the same shapes.
        place: beginning and end of the segment in seconds.
    """
    statistics = input_statistics(model)
    for name, given in inputs.items():
        values, summed, unit = given, weights[name], unit_of(spec)
        if not (in_hz(spec) and is_picture(given)):
            unit = "value"
            if name in statistics:
                values = (given - statistics[name].mean) / np.sqrt(statistics[name].variance)
                unit = "deviations from the mean"
        if values.ndim == 3:
            values, summed = values.mean(axis=2), summed.sum(axis=2)
        if is_picture(values):
            axis = axis_of(spec, values.shape[1])
        else:
            names = tuple(getattr(spec, "names", ()))
            numbers = tuple(f"value {number}" for number in range(1, values.size + 1))
            axis = Axis("value", names=names if len(names) == values.size else numbers)
        yield Evidence(name, values, summed, axis, unit, place)


def is_picture(values: NDArray[Any]) -> bool:
    """Return whether one input of one segment has a time axis and another one."""
    return values.ndim in {2, 3}
