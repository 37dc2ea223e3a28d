"""One training step: from a batch to changed weights, on one device or on several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.training.batch_norm import unseen_fault
from genrecls.training.distillation import LABELLED, Distillation

if TYPE_CHECKING:
    import keras

Step = Callable[[Any, Any], tuple[Any, Any]]
"""Takes inputs and soft targets of a batch; returns its mean loss and the number correct."""


@dataclass(frozen=True)
class Learner:
    """A network with everything that decides how its weights change.

    Attributes:
        model: the network, with a projection behind it where an embedding is learnt.
        optimizer: built for the network.
        label_smoothing: share of the target spread over all genres.
        weights: of each genre in the loss.
        distillation: what is learnt from a teacher beside the genres.
    """

    model: keras.Model
    optimizer: Any
    label_smoothing: float
    weights: NDArray[np.float32]
    distillation: Distillation | None = None

    @property
    def signature(self) -> tuple[Any, Any]:
        """Type and shape of inputs and targets, for batches of any size.

        One graph for each size would round differently, and which are compiled would depend on the
        step at which a training was taken up.
        """
        import tensorflow as tf

        inputs = {name: tf.TensorSpec(x.shape, x.dtype) for name, x in self.model.input.items()}
        columns = len(self.weights)
        if self.distillation is not None:
            columns += self.distillation.columns
        return inputs, tf.TensorSpec([None, columns], tf.float32)

    def compare(self, inputs: Any, targets: Any) -> tuple[Any, Any]:
        """Return the weighted loss of each example, and whether its class is right.

        Branches have a loss of their own each, of which this is the mean.
        """
        import tensorflow as tf

        outputs = self.model(inputs, training=True)
        fault = unseen_fault(self.model)
        together, *others = outputs if isinstance(outputs, list) else [outputs]
        distillation = self.distillation
        projection = others.pop(0) if distillation and distillation.embedding else None
        genres, answers = targets[:, : len(self.weights)], targets[:, len(self.weights) :]
        losses = [self._loss(each, genres, answers) for each in others or [together]]
        loss = losses[0] if len(losses) == 1 else tf.add_n(losses) / len(losses)
        hits = tf.argmax(together, axis=1) == tf.argmax(genres, axis=1)
        if distillation is not None:
            if projection is not None:
                loss += distillation.compare_embedding(projection, answers)
            hits &= tf.reduce_sum(genres, axis=1) >= LABELLED
        return loss + fault, hits

    def _loss(self, probabilities: Any, genres: Any, answers: Any) -> Any:
        """Return the weighted loss of each example, without what is learnt of an embedding."""
        import tensorflow as tf
        from keras import losses

        smoothing, distillation = self.label_smoothing, self.distillation
        if distillation is None:
            each = losses.categorical_crossentropy(genres, probabilities, label_smoothing=smoothing)
            return each * tf.linalg.matvec(genres, self.weights)
        # Of unlabelled music that is mixed with other the genres are less than 1 together.
        shares = tf.math.divide_no_nan(genres, tf.reduce_sum(genres, axis=1)[:, None])
        each = losses.categorical_crossentropy(shares, probabilities, label_smoothing=smoothing)
        each *= tf.linalg.matvec(genres, self.weights) * distillation.settings.label_weight
        if distillation.classes:
            each += distillation.compare_probabilities(probabilities, answers)
        return each


def step_of_one(learner: Learner) -> Step:
    """Return the step of a network that is on one device."""
    import tensorflow as tf

    @tf.function(input_signature=learner.signature, jit_compile=False)  # type: ignore[untyped-decorator]
    def step(inputs: Any, targets: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            each, hits = learner.compare(inputs, targets)
            loss = tf.reduce_mean(each)
            total = tf.add_n([loss, *learner.model.losses])
        variables = learner.model.trainable_variables
        learner.optimizer.apply(tape.gradient(total, variables), variables)
        return loss, tf.reduce_sum(tf.cast(hits, tf.int32))

    return step  # type: ignore[no-any-return]


def step_of_many(learner: Learner, strategy: Any) -> Step:
    """Return the step of a network that `strategy` (of `tf.distribute`) keeps on several devices.

    Each device takes its share of the batch, and gradients are summed over all examples, so that
    shares of unequal size count as their examples do. The learner's limit on the norm of a gradient
    must be divided by the number of devices, see `device_limit`.
    """
    import tensorflow as tf

    count = strategy.num_replicas_in_sync

    def share(inputs: Any, targets: Any) -> tuple[Any, Any]:
        replica, size = tf.distribute.get_replica_context(), tf.shape(targets)[0]
        rows, repeats = _rows(size, replica.replica_id_in_sync_group, count)
        # Where batches are made, so that no device receives more than its share.
        with tf.device("CPU:0"):
            own = {name: values[rows] for name, values in inputs.items()}, targets[rows]
        examples = tf.cast(size * repeats, tf.float32)
        with tf.GradientTape() as tape:
            each, hits = learner.compare(*own)
            loss = tf.reduce_sum(each) / examples
            total = tf.add_n([loss, *(extra / count for extra in learner.model.losses)])
        variables = learner.model.trainable_variables
        gradients = tape.gradient(total, variables)
        if learner.optimizer.global_clipnorm is not None:
            # Keras limits the norm of each device's gradient, before it sums them.
            summed = replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
            gradients = [gradient / count for gradient in summed]
        learner.optimizer.apply(gradients, variables)
        return loss, tf.reduce_sum(tf.cast(hits, tf.float32)) / tf.cast(repeats, tf.float32)

    @tf.function(input_signature=learner.signature, jit_compile=False)  # type: ignore[untyped-decorator]
    def step(inputs: Any, targets: Any) -> tuple[Any, Any]:
        shares = strategy.run(share, args=(inputs, targets))
        loss, hits = (strategy.reduce(tf.distribute.ReduceOp.SUM, x, axis=None) for x in shares)
        return loss, tf.cast(tf.round(hits), tf.int32)

    return step  # type: ignore[no-any-return]


def device_limit(clip_norm: float | None, devices: int) -> float | None:
    """Return the limit for a gradient that was divided by the number of devices."""
    return None if clip_norm is None else clip_norm / devices


def _rows(size: Any, device: Any, devices: int) -> tuple[Any, Any]:
    """Return the rows of a batch that a device takes, and how many devices take each row.

    No device may go without: not all layers take an empty batch. Where there are fewer rows than
    devices, every device takes all of them.
    """
    import tensorflow as tf

    scarce = size < devices
    first = tf.where(scarce, 0, size * device // devices)
    last = tf.where(scarce, size, size * (device + 1) // devices)
    return slice(first, last), tf.where(scarce, devices, 1)
