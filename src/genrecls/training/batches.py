"""Batches of the training part, in an order that only the run seed and the epoch decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.randomness import stream, stream_seed
from genrecls.training.augmentation import augmenter
from genrecls.training.examples import Examples
from genrecls.training.settings import AugmentSettings


@dataclass(frozen=True)
class BatchMaker:
    """Makes the batches of any epoch, from any step on.

    Attributes:
        examples: the training part.
        n_classes: number of genres.
        batch_size: examples a batch; the last one of an epoch may be smaller.
        augment: random changes.
        fill: value per coefficient of each input that masks put in.
        seed: run seed.
    """

    examples: Examples
    n_classes: int
    batch_size: int
    augment: AugmentSettings
    fill: Mapping[str, NDArray[np.float32]]
    seed: int

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return -(-len(self.examples) // self.batch_size)

    @cached_property
    def _tensors(self) -> tuple[dict[str, Any], Any]:
        import tensorflow as tf

        with tf.device("CPU"):
            inputs = {name: tf.constant(values) for name, values in self.examples.inputs.items()}
            return inputs, tf.constant(self.examples.targets)

    def epoch(self, epoch: int, first_step: int = 0) -> Any:
        """Return a `tf.data.Dataset` of (named inputs, soft targets) from `first_step` on."""
        import tensorflow as tf

        order = stream(self.seed, "order", epoch).permutation(len(self.examples))
        base = stream_seed(self.seed, "augmentation", epoch)
        inputs, targets = self._tensors
        change = augmenter(self.augment, self.fill) if self.augment.active else None

        def batch(step: Any, chosen: Any) -> Any:
            values = {name: tf.gather(array, chosen) for name, array in inputs.items()}
            soft = tf.one_hot(tf.gather(targets, chosen), self.n_classes)
            return change(values, soft, tf.stack([base, step])) if change else (values, soft)

        steps = tf.data.Dataset.range(self.steps, output_type=tf.int32)
        chunks = tf.data.Dataset.from_tensor_slices(order).batch(self.batch_size)
        return (
            tf.data.Dataset.zip((steps, chunks))
            .skip(first_step)
            .map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(tf.data.AUTOTUNE)
        )
