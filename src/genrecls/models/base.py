"""What a model family is: a configuration that checks its inputs, and most build a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from genrecls.config.schema import Registry, Schema
from genrecls.errors import ConfigError

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from genrecls.features.base import FeatureSpec


Shapes = Mapping[str, tuple[int, ...]]
"""Shape of each named input, batch axis left out.

A picture is (frames, coefficients) or (frames, coefficients, channels), a table row is (values,).
"""

Picture = tuple[int, int, int]
"""Frames, coefficients and channels of a picture."""


@dataclass(frozen=True)
class Normalisation:
    """Statistics of one input over the training part, per item of its last axis.

    Attributes:
        mean, variance: shape (coefficients,), or (channels,) where a picture has them.
    """

    mean: NDArray[np.floating[Any]]
    variance: NDArray[np.floating[Any]]

    @classmethod
    def unit(cls, shape: Sequence[int]) -> Normalisation:
        """Return the statistics that leave an input of a shape as it is."""
        import numpy as np

        return cls(np.zeros(shape[-1]), np.ones(shape[-1]))

    @property
    def deviation(self) -> NDArray[np.floating[Any]]:
        """What a network divides by; never zero, so that a constant coefficient stays finite."""
        import numpy as np

        return np.asarray(np.maximum(np.sqrt(self.variance), np.float32(1e-7)))


@dataclass(frozen=True)
class Stage:
    """One part of a training. It begins with the weights that the part before it selected.

    Attributes:
        name: names its checkpoints; empty where it is the only stage.
        frozen: name of the layer up to which (itself included) the weights stay as they are. Those
            behind it must see the others through it alone, and those up to it must compute the same
            in training as in a test. None trains all layers.
        epochs: at most so many; None for those of the trainer.
        learning_rate: initial or peak rate; None for that of the trainer.
        fixed: names of layers that stay as they are wherever they stand, such as normalisations
            whose statistics a large data set gave.
    """

    name: str = ""
    frozen: str | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    fixed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Family(Schema, ABC):
    """What can be chosen by `model=...`: a network, or an estimator that is fitted at once.

    Attributes:
        name: registered name.
        preset: what was chosen by `model=...`, such as `crnn_micro`; None where it is `name`.
    """

    name: str
    preset: Annotated[str, Field(pattern=r"^[\w.+-]+$")] | None = field(default=None, kw_only=True)

    @property
    def title(self) -> str:
        """What the model is called in tables and in names of runs."""
        return self.preset or self.name

    @abstractmethod
    def check(self, shapes: Shapes) -> None:
        """Refuse inputs that the model cannot take, before any audio is read.

        Raises:
            ConfigError: names the key, what the features give and what the model takes.
        """

    def check_features(self, features: FeatureSpec) -> None:
        """Refuse features of the right shape whose values the weights to begin with do not know.

        Raises:
            ConfigError: names the setting.
        """

    @property
    def pretraining(self) -> str:
        """What the weights to begin with were trained on; empty where they are random."""
        return ""

    def contents(self) -> dict[str, str | None]:
        """Return keys that name files, each with the SHA-256 of what its file holds now.

        Two configurations are the same where these are, wherever the files lie.
        """
        return {}

    def fetch(self) -> None:
        """Get from outside what a training needs, before any audio is read; most need nothing.

        Raises:
            ModelFileError: it cannot be had.
        """

    def refusal(self, expected: str, shapes: Shapes) -> ConfigError:
        """Return the error of a family that takes `expected` and is given other inputs."""
        received = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "none"
        return ConfigError(
            f"model={self.name}: takes {expected}; the chosen features give {received}"
        )


@dataclass(frozen=True)
class ModelFamily(Family, ABC):
    """The configuration of a network.

    Attributes:
        standardise: whether inputs are standardised inside the network, with statistics of the
            training part; else they are fed as they are.
    """

    standardise: bool

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

    def initialise(self, model: keras.Model) -> None:
        """Change the random weights that `build` gave; by default they stay as they are.

        Raises:
            ModelFileError: the weights to begin with cannot be read.
        """

    def stages(self) -> tuple[Stage, ...]:
        """Return how the network is trained; by default all layers at once."""
        return (Stage(),)

    def count_branches(self) -> int:
        """Return how many networks stand side by side and learn each for itself, by default one.

        Of more the last layer is dense and called `probabilities`, and reads their outputs, equally
        many values of each, one behind the other.
        """
        return 1

    def picture(self, shapes: Shapes) -> tuple[str, Picture]:
        """Return name, and frames, coefficients and channels (1 if it has none) of the only input.

        Raises:
            ConfigError: there are several inputs, or the only one is no picture.
        """
        if len(shapes) == 1:
            ((name, shape),) = shapes.items()
            if len(shape) in {2, 3}:
                frames, coefficients, channels = (*shape, 1)[:3]
                return name, (frames, coefficients, channels)
        raise self.refusal(
            "one input of the shape (frames, coefficients), such as features=mfcc or features=mel",
            shapes,
        )

    def statistics(
        self, name: str, normalisation: Mapping[str, Normalisation]
    ) -> Normalisation | None:
        """Return what standardises the input `name`; None where it is fed as it is."""
        return normalisation[name] if self.standardise else None


MODELS: Registry[Family] = Registry("model", "genrecls.models")
