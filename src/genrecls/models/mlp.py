"""`mlp`: dense layers on a table row, or on a flattened picture.

The default is the network of khamees2021 (V. Velardo, "Deep Learning for Audio with Python",
lecture 13): 1,014,218 parameters on 130 x 13. Its regularised twin of lecture 14 has `dropout: 0.3`
and `l2: 0.001`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genrecls.models.base import MODELS, ModelFamily, Normalisation, Shapes
from genrecls.models.layers import DenseHead, normalised_input

if TYPE_CHECKING:
    import keras


@MODELS.register("mlp")
@dataclass(frozen=True)
class Mlp(ModelFamily):
    """Multilayer perceptron on one input of any shape.

    Attributes:
        head: all its layers.
    """

    head: DenseHead

    def check(self, shapes: Shapes) -> None:
        """Refuse several inputs."""
        if len(shapes) != 1:
            raise self.refusal("one input, a picture or a table row", shapes)

    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> keras.Model:
        """Return the network for one input."""
        import keras

        ((name, shape),) = shapes.items()
        source, x = normalised_input(name, shape, self.statistics(name, normalisation))
        if len(shape) > 1:
            x = keras.layers.Flatten(name="flatten")(x)
        return keras.Model({name: source}, self.head.apply(x, n_classes), name=self.name)
