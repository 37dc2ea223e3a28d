"""What a network learns from a teacher: its probabilities, and the direction of its embedding.

The teacher's answers are columns of the targets behind the genres, made before the training. So a
step needs no teacher, and mixup blends its answers as it blends genres. Soft labels are those of
G. Hinton et al., "Distilling the knowledge in a neural network", 2015; an embedding is learnt
through a projection, a dense layer that is there during the training only.

The losses are functions of Keras for each example. Its classes in `keras.distillation` give the
mean of a batch, in which genres weigh alike and unlabelled music has no place, and their
`Distiller` runs the teacher in every step of its own loop, which does not continue bit for bit.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ConfigError
from genrecls.training.settings import DistillSettings

if TYPE_CHECKING:
    import keras

LABELLED = 0.5
"""Least share of the genres in the targets of an example that has one, for all mixup does."""

_LEAST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Distillation:
    """What a teacher says of every example, as columns: its probabilities, then its embedding.

    Attributes:
        classes: probabilities; 0 where it gives none.
        embedding: values of its embedding; 0 where it gives none.
    """

    settings: DistillSettings
    classes: int
    embedding: int

    @property
    def columns(self) -> int:
        """All columns."""
        return self.classes + self.embedding

    def compare_probabilities(self, probabilities: Any, answers: Any) -> Any:
        """Return the weighted loss of each example against the teacher's probabilities.

        Args:
            probabilities: of the student, shape (batch, genres).
            answers: columns of the teacher, its probabilities softened by the temperature.
        """
        import tensorflow as tf
        from keras import losses

        settings = self.settings
        clipped = tf.clip_by_value(probabilities, _LEAST_PROBABILITY, 1.0)
        softened = tf.nn.softmax(tf.math.log(clipped) / settings.temperature)
        distance = losses.kl_divergence(answers[:, : self.classes], softened)
        # The gradients of softened probabilities fade with the square (Hinton et al.).
        return settings.soft_weight * settings.temperature**2 * distance

    def compare_embedding(self, projection: Any, answers: Any) -> Any:
        """Return the weighted loss of each example against the teacher's embedding.

        Args:
            projection: of the student's embedding, shape (batch, embedding).
            answers: columns of the teacher.
        """
        from keras import losses

        # Keras' similarity is negative where vectors agree.
        similarity = losses.cosine_similarity(answers[:, self.classes :], projection)
        return self.settings.embedding_weight * (1 + similarity)


def soften(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return probabilities, shape (examples, classes), of logits divided by a temperature."""
    powers = np.clip(probabilities, _LEAST_PROBABILITY, 1) ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def with_projection(
    model: keras.Model, distillation: Distillation, frozen: Collection[str]
) -> keras.Model:
    """Return `model` with a second output: a projection of its embedding.

    Args:
        model: the student.
        distillation: how wide the projection is, and what it reads.
        frozen: layers up to which a stage of the training keeps the weights as they are.

    Raises:
        ConfigError: it has no such layer, or the layer gives no vector.
    """
    import keras

    names = [layer.name for layer in model.layers]
    first = max(map(names.index, frozen), default=0)
    vectors = {each.name: each for each in model.layers[first:] if len(each.output.shape) == 2}
    name = distillation.settings.student_layer
    if name is None:
        # What is dropped at random is no embedding.
        kept = (layer for layer in model.layers[-2::-1] if "Dropout" not in type(layer).__name__)
        name = next(kept).name
    if name not in vectors:
        raise ConfigError(
            f"distill.student_layer: received '{name}', which is no layer of '{model.name}' that "
            f"learns and gives a vector; allowed: {', '.join(vectors)}"
        )
    projection = keras.layers.Dense(distillation.embedding, name="projection")
    return keras.Model(model.input, [model.output, projection(vectors[name].output)])


def without_projection(model: keras.Model) -> keras.Model:
    """Return the network of genres alone, the first output of `model`, whose layers it shares."""
    import keras

    return keras.Model(model.input, model.outputs[0]) if len(model.outputs) > 1 else model
