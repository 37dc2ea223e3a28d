"""Batches of the training part, in an order that only the run seed and the epoch decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.rng import stream, stream_seed
from genrecls.training.augment import augmenter
from genrecls.training.data import Examples
from genrecls.training.settings import AugmentSettings


def epoch_order(
    targets: NDArray[np.int64], seed: int, epoch: int, balanced: bool, batch_size: int
) -> NDArray[np.int64]:
    """Return the examples of one epoch in their order, as many as there are.

    A balanced epoch has equally many of each genre, up to one, and so has each of its batches.
    The examples of a rare genre are repeated, each of them equally often up to one; those of a
    frequent genre are another random choice in every epoch.

    Args:
        targets: class index of each example.
        seed: run seed.
        epoch: number of the epoch.
        balanced: whether genres are drawn equally often; else each example comes once.
        batch_size: examples a batch; it changes balanced epochs only.
    """
    random = stream(seed, "order", epoch)
    if not balanced:
        return random.permutation(len(targets))
    genres = random.permutation(np.unique(targets))
    order = np.empty(len(targets), np.int64)
    # Genres that take turns are spread evenly over any stretch, and so over any batch.
    for turn, genre in enumerate(genres):
        wanted = len(order[turn :: len(genres)])
        members = np.flatnonzero(targets == genre)
        order[turn :: len(genres)] = _repeated(members, wanted, random)
    # Mixup pairs places of a batch: without this it would always pair the same genres.
    for start in range(0, len(order), batch_size):
        random.shuffle(order[start : start + batch_size])
    return order


def _repeated(
    members: NDArray[np.int64], wanted: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return `wanted` of `members`, all of them in a random order before one comes again."""
    rounds = -(-wanted // len(members))
    return np.concatenate([random.permutation(members) for _ in range(rounds)])[:wanted]


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
        balanced: whether genres come equally often.
    """

    examples: Examples
    n_classes: int
    batch_size: int
    augment: AugmentSettings
    fill: Mapping[str, NDArray[np.float32]]
    seed: int
    balanced: bool = False

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return -(-len(self.examples) // self.batch_size)

    def epoch(self, epoch: int, first_step: int = 0) -> Any:
        """Return a `tf.data.Dataset` of (named inputs, soft targets) from `first_step` on."""
        import tensorflow as tf

        order = self._order(epoch)
        base = stream_seed(self.seed, "augmentation", epoch)
        change = augmenter(self.augment, self.fill) if self.augment.active else None

        def batch(step: Any, chosen: Any) -> Any:
            values, targets = self._rows(*chosen)
            soft = tf.one_hot(targets, self.n_classes)
            return change(values, soft, tf.stack([base, step])) if change else (values, soft)

        steps = tf.data.Dataset.range(self.steps, output_type=tf.int32)
        chunks = tf.data.Dataset.from_tensor_slices(order).batch(self.batch_size)
        return (
            tf.data.Dataset.zip((steps, chunks))
            .skip(first_step)
            .map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(tf.data.AUTOTUNE)
        )

    def _order(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the examples of an epoch in their order, and which version of each it takes.

        Version 0 is the example itself, the others are its copies; all are equally likely.
        """
        targets, size = self.examples.targets, self.batch_size
        order = epoch_order(targets, self.seed, epoch, self.balanced, size)
        versions = 1 + len(self.examples.copies)
        return order, stream(self.seed, "versions", epoch).integers(versions, size=len(order))

    def _rows(self, chosen: Any, versions: Any) -> tuple[dict[str, Any], Any]:
        """Return inputs and classes of the examples `chosen`, read from wherever they are."""
        import tensorflow as tf

        names, examples = list(self.examples.inputs), self.examples

        def read(indices: NDArray[np.int64], versions: NDArray[np.int64]) -> list[NDArray[Any]]:
            inputs = [_of_versions(examples, name, indices, versions) for name in names]
            return [*inputs, examples.targets[indices]]

        types = [tf.float32] * len(names) + [tf.int64]
        *values, targets = tf.numpy_function(read, [chosen, versions], types, stateful=False)
        targets.set_shape([None])
        for name, value in zip(names, values, strict=True):
            value.set_shape([None, *self.examples.inputs[name].shape[1:]])
        return dict(zip(names, values, strict=True)), targets


def _of_versions(
    examples: Examples, name: str, indices: NDArray[np.int64], versions: NDArray[np.int64]
) -> NDArray[np.float32]:
    rows = np.asarray(examples.inputs[name][indices])
    for number, copy in enumerate(examples.copies, start=1):
        of_copy = versions == number
        rows[of_copy] = copy[name][indices[of_copy]]
    return rows
