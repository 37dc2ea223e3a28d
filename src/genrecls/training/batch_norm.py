"""Batch normalisation of pictures by TensorFlow's fused operator, which takes a third of the time.

Keras computes mean, variance, difference, quotient and sum one after another, each over the whole
array. In a small convolutional network this is more than half of a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


def fuse_batch_norms(model: keras.Model) -> None:
    """Let the batch normalisations of `model` learn by the fused operator.

    Only what they compute in training changes, by rounding: the layers, what is saved of them and
    their answers afterwards stay as they are. Layers that are frozen, that normalise other than the
    channels of a picture, or that ask other devices for their means stay with Keras.
    """
    for layer in _batch_norms(model):
        if _can_be_fused(layer) and not _is_fused(layer):
            layer.call = _fused_call(layer)


def unseen_fault(model: keras.Model) -> Any:
    """Return 0, or NaN where a running average of a fused normalisation is no number any more.

    With the ReLU behind it the operator may be made one, which turns NaN into 0: without this a
    training would go on, and its loss would show nothing.
    """
    import tensorflow as tf

    averages = [
        tf.reduce_sum(average)
        for layer in _batch_norms(model)
        if _is_fused(layer)
        for average in (layer.moving_mean, layer.moving_variance)
    ]
    total = tf.add_n([tf.constant(0.0), *averages])
    return tf.where(tf.math.is_finite(total), 0.0, np.nan)


def _batch_norms(model: keras.Model) -> Iterator[keras.layers.BatchNormalization]:
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _batch_norms(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            yield layer


def _is_fused(layer: keras.layers.BatchNormalization) -> bool:
    return "call" in vars(layer)


def _can_be_fused(layer: keras.layers.BatchNormalization) -> bool:
    picture = len(layer.input.shape) == 4 and layer.axis in (-1, 3)
    plain = not (layer.synchronized or layer.renorm) and layer.compute_dtype == "float32"
    return picture and plain and layer.scale and layer.center and layer.trainable


def _fused_call(layer: keras.layers.BatchNormalization) -> Any:
    """Return what a layer does with a batch, fused where the batch itself gives the means."""
    import tensorflow as tf

    keras_call = layer.call

    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and layer.trainable):
            return keras_call(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, layer.gamma, layer.beta, epsilon=layer.epsilon
        )
        # The operator divides by one less than the number of values, Keras by their number.
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        variance *= (count - 1) / count
        for average, of_batch in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            average.assign(average * layer.momentum + of_batch * (1 - layer.momentum))
        return outputs

    return call
