"""Random changes to training examples: mixup, SpecAugment, Freq-MixStyle, crop, roll, gain.

All randomness is stateless, from a seed for each batch, so that it neither depends on how many
threads prepare batches nor gets lost when a training is taken up again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.training.settings import AugmentSettings

# A band without any change over time has no deviation to divide by.
_LEAST_VARIANCE = 1e-6

Batch = tuple[dict[str, Any], Any]
"""Named inputs and soft targets, as TensorFlow tensors."""


def augmenter(
    settings: AugmentSettings, fill: Mapping[str, NDArray[np.float32]]
) -> Callable[[dict[str, Any], Any, Any], Batch]:
    """Return a function of inputs, soft targets (batch, classes) and a seed (2 integers).

    All but mixup is for pictures (frames, coefficients), with channels behind or without; other
    inputs pass unchanged.

    Args:
        settings: what to do.
        fill: value that masks put in, the training part's mean along the last axis.
    """
    import tensorflow as tf

    extras = settings.extras()

    def augment(inputs: dict[str, Any], targets: Any, seed: Any) -> Batch:
        seeds = tf.random.split(seed, 4)
        # What came later has seeds of its own, so that it changes nothing of what was there.
        later = tf.random.split(seed - 1, 4)
        changed = {}
        for name, values in inputs.items():
            picture = values
            if values.shape.rank in {3, 4}:
                picture = _crop(picture, settings.crop, seeds[0])
                picture = _roll(picture, settings.roll, later[0])
                picture = _gain(picture, settings.gain, later[1])
                picture = _mix_styles(picture, settings, later[2])
                picture = _mask(picture, fill[name], settings, seeds[1:3])
            changed[name] = picture
        if settings.mixup > 0:
            changed, targets = _mixup(changed, targets, settings, (seeds[3], later[3]))
        for number, extra in enumerate(extras, start=1):
            changed, targets = extra.apply(changed, targets, seed + number)
        return changed, targets

    return augment


def _mixup(
    inputs: dict[str, Any], targets: Any, settings: AugmentSettings, seeds: tuple[Any, Any]
) -> Batch:
    """Mix each example, or some, with their mirror in the batch (Zhang et al. 2018)."""
    import tensorflow as tf

    count = tf.shape(targets)[0]
    share = _beta(count, settings.mixup, seeds[0])
    weight = tf.maximum(share, 1 - share)
    if settings.mixup_chance < 1:
        mixed = tf.random.stateless_uniform([count], seeds[1]) < settings.mixup_chance
        weight = tf.where(mixed, weight, 1.0)
    mixed = {name: _blend(values, weight) for name, values in inputs.items()}
    return mixed, _blend(targets, weight)


def _beta(count: Any, alpha: float, seed: Any) -> Any:
    """Return `count` draws of the distribution Beta(alpha, alpha)."""
    import tensorflow as tf

    seeds = tf.random.split(seed, 2)
    # A Beta draw is the share of one Gamma draw in two. Those of a small alpha underflow, so they
    # are made as logarithms: Gamma(alpha) is Gamma(alpha + 1) times a uniform to 1 / alpha.
    gammas = tf.random.stateless_gamma([2, count], seeds[0], alpha + 1)
    uniforms = 1 - tf.random.stateless_uniform([2, count], seeds[1])
    logs = tf.math.log(gammas) + tf.math.log(uniforms) / alpha
    return tf.sigmoid(logs[0] - logs[1])


def _blend(values: Any, weight: Any) -> Any:
    shaped = _of_examples(weight, values)
    return shaped * values + (1 - shaped) * values[::-1]


def _of_examples(numbers: Any, values: Any) -> Any:
    """Return one number for each example, shape (batch,), in a shape that `values` can be times."""
    import tensorflow as tf

    return tf.reshape(numbers, [-1, *[1] * (values.shape.rank - 1)])


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


def _roll(values: Any, share: float, seed: Any) -> Any:
    """Move the frames round by a random number of them."""
    import tensorflow as tf

    count, frames = tf.shape(values)[0], values.shape[1]
    farthest = round(share * frames)
    if not farthest:
        return values
    moves = tf.random.stateless_uniform([count], seed, -farthest, farthest + 1, tf.int32)
    return tf.gather(values, (tf.range(frames)[None, :] - moves[:, None]) % frames, batch_dims=1)


def _gain(values: Any, decibels: float, seed: Any) -> Any:
    """Make each example, whose values are decibels, louder or softer."""
    import tensorflow as tf

    if not decibels:
        return values
    gains = tf.random.stateless_uniform([tf.shape(values)[0]], seed, -decibels, decibels)
    return values + _of_examples(gains, values)


def _mix_styles(values: Any, settings: AugmentSettings, seed: Any) -> Any:
    """Give the bands of each example mean and deviation between its own and another's."""
    import tensorflow as tf

    if not settings.mixstyle:
        return values
    count = tf.shape(values)[0]
    seeds = tf.random.split(seed, 3)
    chosen = tf.random.stateless_uniform([count], seeds[0]) < settings.mixstyle_chance
    weight = tf.where(chosen, _beta(count, settings.mixstyle, seeds[1]), 1.0)
    # Not the mirror, which mixup takes: both would always mix the same two.
    others = tf.argsort(tf.random.stateless_uniform([count], seeds[2]), stable=True)
    mean, variance = tf.nn.moments(values, axes=[1], keepdims=True)
    deviation = tf.sqrt(variance + _LEAST_VARIANCE)
    shaped = _of_examples(weight, values)
    mixed_mean, mixed_deviation = (
        shaped * own + (1 - shaped) * tf.gather(own, others) for own in (mean, deviation)
    )
    return (values - mean) / deviation * mixed_deviation + mixed_mean


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
