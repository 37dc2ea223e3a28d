"""Batches of the training part, in an order that only the run seed and the epoch decide."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genrecls.rng import stream, stream_seed
from genrecls.training.augment import augmenter
from genrecls.training.data import Examples
from genrecls.training.distillation import LABELLED
from genrecls.training.settings import AugmentSettings

# Threads that make batches, and how many batches are made before they are needed.
_MAKERS = 2


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
        even: what comes equally often; None: each example comes once.
        crops: examples of each track an epoch, drawn at random; None takes all of them.
    """

    examples: Examples
    n_classes: int
    batch_size: int
    augment: AugmentSettings
    fill: Mapping[str, NDArray[np.float32]]
    seed: int
    even: Literal["genres", "tracks"] | None = None
    crops: int | None = None

    @cached_property
    def _all_labelled(self) -> bool:
        return bool((self.examples.targets >= 0).all())

    def count_labelled(self, targets: Any) -> int:
        """Return how many examples of a batch have a genre: all, but for unlabelled music.

        Args:
            targets: soft targets of the batch; of a mixed example the larger share counts.
        """
        if self._all_labelled:
            return int(targets.shape[0])
        return int((targets.numpy()[:, : self.n_classes].sum(axis=1) >= LABELLED).sum())

    @property
    def drawn_genres(self) -> NDArray[np.int64]:
        """Class indices in the shares that an epoch has of them, unlabelled music left out."""
        targets = self.examples.targets
        if self.crops is not None or self.even == "tracks":
            _, one_a_track = np.unique(self.examples.tracks, return_index=True)
            targets = targets[one_a_track]
        return targets[targets >= 0]

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        examples = len(self.examples)
        if self.crops is not None:
            examples = self.crops * len(set(self.examples.tracks))
        return -(-examples // self.batch_size)

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield named inputs and soft targets of every step from `first_step` on.

        Behind the genres the targets have the columns of the teacher, where there is one.

        Each example comes as itself (version 0) or as one of its distorted copies; all versions
        are equally likely. While one batch is learnt from, others are being made.
        """
        import tensorflow as tf

        groups = self.examples.targets
        if self.even == "tracks":
            groups = np.unique(self.examples.tracks, return_inverse=True)[1].astype(np.int64)
        drawn = np.arange(len(self.examples))
        if self.crops is not None:
            drawn = draw(self.examples.tracks, self.crops, self.seed, epoch)
        balanced = self.even is not None
        order = epoch_order(groups[drawn], self.seed, epoch, balanced, self.batch_size)
        order = drawn[order]
        random = stream(self.seed, "versions", epoch)
        versions = random.integers(1 + len(self.examples.copies), size=len(order))
        seed = stream_seed(self.seed, "augmentation", epoch)
        make = self._make_batch

        def batch(step: int) -> Any:
            rows = slice(step * self.batch_size, (step + 1) * self.batch_size)
            with tf.device("CPU:0"):
                return make(np.array([seed, step], np.int32), order[rows], versions[rows])

        # A `tf.data` pipeline would be built and optimised anew in each epoch, which takes a fifth
        # of the time of a short one.
        with ThreadPoolExecutor(_MAKERS) as makers:
            ahead: deque[Future[Any]] = deque()
            for step in range(first_step, self.steps):
                ahead.append(makers.submit(batch, step))
                if len(ahead) > _MAKERS:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    @cached_property
    def _make_batch(self) -> Any:
        """A TensorFlow function of seeds, rows and versions, whose graph all epochs share."""
        import tensorflow as tf

        examples = self.examples
        change = augmenter(self.augment, self.fill) if self.augment.active else None
        types = [tf.float32] * len(examples.inputs) + [tf.int64, tf.float32]
        teacher = examples.teacher
        if teacher is None:
            teacher = np.empty((len(examples), 0), np.float32)

        def read(rows: NDArray[np.int64], versions: NDArray[np.int64]) -> list[NDArray[Any]]:
            arrays = [np.asarray(values[rows]) for values in examples.inputs.values()]
            for number, copy in enumerate(examples.copies, start=1):
                chosen = versions == number
                for name, array in zip(examples.inputs, arrays, strict=True):
                    array[chosen] = copy[name][rows[chosen]]
            return [*arrays, examples.targets[rows], teacher[rows]]

        @tf.function(
            input_signature=[
                tf.TensorSpec([2], tf.int32),
                tf.TensorSpec([None], tf.int64),
                tf.TensorSpec([None], tf.int64),
            ]
        )  # type: ignore[untyped-decorator]
        def make_batch(seed: Any, rows: Any, versions: Any) -> Any:
            # Read from wherever the examples are, which may be a file larger than the memory.
            *arrays, targets, answers = tf.numpy_function(
                read, (rows, versions), types, stateful=False
            )
            targets.set_shape([None])
            answers.set_shape([None, teacher.shape[1]])
            for values, array in zip(examples.inputs.values(), arrays, strict=True):
                array.set_shape([None, *values.shape[1:]])
            inputs = dict(zip(examples.inputs, arrays, strict=True))
            soft_targets = tf.concat([tf.one_hot(targets, self.n_classes), answers], axis=1)
            return (inputs, soft_targets) if change is None else change(inputs, soft_targets, seed)

        return make_batch


def draw(tracks: Sequence[str], count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return `count` random rows of each track; none comes again before all others have come.

    Args:
        tracks: track of each row.
        count: rows of each track.
        seed: run seed.
        epoch: number of the epoch.
    """
    random = stream(seed, "crops", epoch)
    _, track_of, rows = np.unique(tracks, return_inverse=True, return_counts=True)
    drawn = []
    for members in np.split(np.argsort(track_of, kind="stable"), np.cumsum(rows)[:-1]):
        rounds = [random.permutation(members) for _ in range(-(-count // len(members)))]
        drawn.append(np.concatenate(rounds)[:count])
    return np.concatenate(drawn)


def epoch_order(
    groups: NDArray[np.int64], seed: int, epoch: int, balanced: bool, batch_size: int
) -> NDArray[np.int64]:
    """Return the examples of one epoch in their order, as many as there are.

    A balanced epoch has equally many of each group, up to one, and so has each of its batches.
    The examples of a rare group are repeated, each of them equally often up to one; those of a
    frequent group are another random choice in every epoch.

    Args:
        groups: group of each example, such as its class index.
        seed: run seed.
        epoch: number of the epoch.
        balanced: whether groups come equally often; else each example comes once.
        batch_size: examples a batch; it changes balanced epochs only.
    """
    random = stream(seed, "order", epoch)
    if not balanced:
        return random.permutation(len(groups))
    names, counts = np.unique(groups, return_counts=True)
    members_of = np.split(np.argsort(groups, kind="stable"), np.cumsum(counts)[:-1])
    turns = random.permutation(names)
    order = np.empty(len(groups), np.int64)
    # Groups that take turns are spread evenly over any stretch, and so over any batch.
    for turn, place in enumerate(np.searchsorted(names, turns)):
        count = len(order[turn :: len(turns)])
        members = members_of[place]
        # All members come once, in a random order, before one comes again.
        rounds = [random.permutation(members) for _ in range(-(-count // len(members)))]
        order[turn :: len(turns)] = np.concatenate(rounds)[:count]
    # Mixup pairs places of a batch: without this it would always pair the same groups.
    for start in range(0, len(order), batch_size):
        random.shuffle(order[start : start + batch_size])
    return order
