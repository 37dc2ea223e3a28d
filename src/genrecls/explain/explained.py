"""The values of an explanation: evidence in the inputs, answers of layers, weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class AudioOrigin:
    """What a figure is about: file, segment, genre and model; `leaky` is how its split was."""

    text: str
    leaky: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Axis:
    """The vertical axis of a picture, or the values of a vector.

    Attributes:
        label: what it counts.
        ticks: places in rows (0 is the middle of the lowest) and what is written there; without
            any, the rows are numbered.
        names: of the values of a vector.
    """

    label: str
    ticks: tuple[tuple[float, str], ...] = ()
    names: tuple[str, ...] = ()


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
    values: Picture
    weights: Picture
    axis: Axis
    unit: str
    place: tuple[float, float]


@dataclass(frozen=True)
class Case:
    """One segment of known genre, and the evidence for what was answered."""

    track: str
    true: str
    predicted: str
    probability: float
    evidence: Evidence


@dataclass(frozen=True)
class Kernel:
    """The weights with which a first layer looks at its input.

    Attributes:
        layer: its name.
        weights: filters (filters, frames, coefficients), or a matrix (inputs, outputs).
        gates: names of the equal blocks of outputs of a recurrent layer.
    """

    layer: str
    weights: Picture
    gates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """What decided about one segment of a file.

    Attributes:
        file: name of the file.
        model: the model and how far it can be trusted.
        leaky: whether that trust rests on a leaky split.
        labels: all genres.
        decision: index of the answer for the whole file.
        genre: index of the genre that is explained.
        whole: probabilities of the file.
        segment: probabilities of the segment.
        place: beginning and end of the segment in seconds, not beyond the end of the file.
        odds: log-odds of the genre for an average segment and for this one.
        gap: error of the evidence: what its sum is off the difference of the two.
        evidence: of each input.
        activations: answers of layers, (frames, coefficients, channels), (frames, units) or
            (units,).
        kernel: what the first layer looks for; None where it has no weights.
    """

    file: str
    model: str
    leaky: bool
    labels: tuple[str, ...]
    decision: int
    genre: int
    whole: NDArray[np.float64]
    segment: NDArray[np.float64]
    place: tuple[float, float]
    odds: tuple[float, float]
    gap: float
    evidence: tuple[Evidence, ...]
    activations: Mapping[str, Picture]
    kernel: Kernel | None

    @property
    def trained(self) -> AudioOrigin:
        """What a figure of the model alone says below its title."""
        return AudioOrigin(f"model {self.model}", self.leaky)

    @property
    def origin(self) -> AudioOrigin:
        """What a figure of the segment says below its title."""
        first, last = self.place
        return AudioOrigin(f"{self.file}, {first:.2f} to {last:.2f} s · {self.trained}", self.leaky)
