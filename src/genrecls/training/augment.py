"""Random changes to training examples: mixup, SpecAugment, random crop.

All randomness is stateless, from a seed for each batch, so that it neither depends on how many
threads prepare batches nor gets lost when a training is taken up again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.training.settings import AugmentSettings

Batch = tuple[dict[str, Any], Any]
"""Named inputs and soft targets, as TensorFlow tensors."""


def augmenter(
    settings: AugmentSettings, fill: Mapping[str, NDArray[np.float32]]
) -> Callable[[dict[str, Any], Any, Any], Batch]:
    """Return a function of inputs, soft targets (batch, classes) and a seed (2 integers).

    Crops and masks are for pictures (frames, coefficients), with channels behind or without;
    other inputs pass unchanged.

    Args:
        settings: what to do.
        fill: value that masks put in, the training part's mean along the last axis.
    """
    import tensorflow as tf

    extras = settings.extras()

    def augment(inputs: dict[str, Any], targets: Any, seed: Any) -> Batch:
        seeds = tf.random.split(seed, 4)
        changed = {}
        for name, values in inputs.items():
            is_picture = values.shape.rank in {3, 4}
            cropped = _crop(values, settings.crop, seeds[0]) if is_picture else values
            changed[name] = (
                _mask(cropped, fill[name], settings, seeds[1:3]) if is_picture else values
            )
        if settings.mixup > 0:
            changed, targets = _mixup(changed, targets, settings.mixup, seeds[3])
        # Seeds of their own, so that they change nothing of what stands above.
        for number, extra in enumerate(extras, start=1):
            changed, targets = extra.apply(changed, targets, seed + number)
        return changed, targets

    return augment


def _mixup(inputs: dict[str, Any], targets: Any, alpha: float, seed: Any) -> Batch:
    """Mix each example with its mirror in the batch (Zhang et al. 2018)."""
    import tensorflow as tf

    count = tf.shape(targets)[0]
    seeds = tf.random.split(seed, 2)
    # A Beta draw is the share of one Gamma draw in two. Those of a small alpha underflow, so they
    # are made as logarithms: Gamma(alpha) is Gamma(alpha + 1) times a uniform to 1 / alpha.
    gammas = tf.random.stateless_gamma([2, count], seeds[0], alpha + 1)
    uniforms = 1 - tf.random.stateless_uniform([2, count], seeds[1])
    logs = tf.math.log(gammas) + tf.math.log(uniforms) / alpha
    share = tf.sigmoid(logs[0] - logs[1])
    weight = tf.maximum(share, 1 - share)
    mixed = {name: _blend(values, weight) for name, values in inputs.items()}
    return mixed, _blend(targets, weight)


def _blend(values: Any, weight: Any) -> Any:
    import tensorflow as tf

    shaped = tf.reshape(weight, [-1, *[1] * (values.shape.rank - 1)])
    return shaped * values + (1 - shaped) * values[::-1]


def _crop(values: Any, share: float, seed: Any) -> Any:
    """Keep a random stretch of the frames and repeat it up to the old length."""
    import tensorflow as tf

    if share >= 1:
        return values
    count, frames = tf.shape(values)[0], values.shape[1]
    kept = max(1, round(share * frames))
    offsets = tf.random.stateless_uniform([count], seed, 0, frames - kept + 1, tf.int32)
    indices = offsets[:, None] + tf.range(frames)[None, :] % kept
    return tf.gather(values, indices, batch_dims=1)


def _mask(values: Any, fill: NDArray[np.float32], settings: AugmentSettings, seeds: Any) -> Any:
    """Cover random stretches of both axes with the mean (Park et al. 2019)."""
    import tensorflow as tf

    count, frames, coefficients = tf.shape(values)[0], values.shape[1], values.shape[2]
    time = _stretches(count, frames, settings.time_masks, settings.time_mask_share, seeds[0])
    bands = _stretches(
        count, coefficients, settings.frequency_masks, settings.frequency_mask_share, seeds[1]
    )
    covered = time[:, :, None] | bands[:, None, :]
    if values.shape.rank == 4:
        covered = covered[..., None]
    return tf.where(covered, tf.constant(fill), values)


def _stretches(count: Any, length: int, masks: int, share: float, seed: Any) -> Any:
    """Return booleans (count, length), true inside `masks` random stretches an example."""
    import tensorflow as tf

    if masks == 0:
        return tf.zeros([count, length], tf.bool)
    seeds = tf.random.split(seed, 2)
    shape, widest = [count, masks], round(share * length)
    widths = tf.random.stateless_uniform(shape, seeds[0], 0, widest + 1, tf.int32)
    room = tf.cast(length - widths + 1, tf.float32)
    starts = tf.cast(tf.random.stateless_uniform(shape, seeds[1]) * room, tf.int32)
    places = tf.range(length)[None, None, :]
    inside = (places >= starts[:, :, None]) & (places < (starts + widths)[:, :, None])
    return tf.reduce_any(inside, axis=1)
