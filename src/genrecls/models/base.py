"""What a model family is: a configuration that can check its inputs and build a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genrecls.config.schema import Registry, Schema
from genrecls.errors import ConfigError

if TYPE_CHECKING:
    import keras

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of each named input, batch axis left out; a picture is (frames, coefficients)."""


@dataclass(frozen=True)
class Normalisation:
    """Statistics of one input over the training part, per coefficient (its last axis).

    Attributes:
        mean, variance: shape (coefficients,).
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


@dataclass(frozen=True)
class ModelFamily(Schema, ABC):
    """The configuration of a network."""

    name: str

    @abstractmethod
    def check(self, shapes: Shapes) -> None:
        """Refuse inputs that the network cannot take, before any audio is read.

        Raises:
            ConfigError: names the key, what the features give and what the model takes.
        """

    @abstractmethod
    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> keras.Model:
        """Return the network: named inputs as the features give them, genre probabilities out.

        Normalisation is part of the network, so that it cannot be lost on the way to a device.

        Args:
            shapes: shape of each input.
            n_classes: number of genres.
            normalisation: statistics of each input.
        """

    def picture(self, shapes: Shapes) -> tuple[str, tuple[int, int]]:
        """Return name and shape (frames, coefficients) of the only input.

        Raises:
            ConfigError: there are several inputs, or the only one is no picture.
        """
        if len(shapes) == 1:
            ((name, shape),) = shapes.items()
            if len(shape) == 2:
                return name, (shape[0], shape[1])
        received = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ConfigError(
            f"model={self.name}: takes one input of the shape (frames, coefficients), such as "
            f"features=mfcc or features=mel; the chosen features give {received}"
        )


MODELS: Registry[ModelFamily] = Registry("model", "genrecls.models")
