"""What every representation must do."""

from __future__ import annotations

import copy

import numpy as np

from genrecls.contracts.base import Check, require
from genrecls.features.base import FeatureSpec, Samples

SECONDS = 2.0


def _sounds(spec: FeatureSpec) -> Samples:
    """Return silence, an impulse, noise and a tone, shape (4, samples)."""
    samples = round(SECONDS * spec.rate)
    impulse = np.zeros(samples)
    impulse[samples // 3] = 1
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, samples)
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(samples) / spec.rate)
    return np.stack([np.zeros(samples), impulse, noise, tone]).astype(np.float32)


def announces_its_shapes(spec: FeatureSpec) -> None:
    """shapes() says the shape of what transform() gives, as float32."""
    sounds = _sounds(spec)
    values, shapes = spec.transform(sounds), spec.shapes(sounds.shape[1])
    require(values.keys() == shapes.keys(), f"named {sorted(values)}, announced {sorted(shapes)}")
    for name, array in values.items():
        require(
            array.shape == (len(sounds), *shapes[name]),
            f"{name}: announced {shapes[name]} a segment, received {array.shape[1:]}",
        )
        require(array.dtype == np.float32, f"{name}: expected float32, received {array.dtype}")


def is_finite(spec: FeatureSpec) -> None:
    """Silence, an impulse, noise and a tone give finite values."""
    kinds = ("silence", "an impulse", "noise", "a tone")
    for name, array in spec.transform(_sounds(spec)).items():
        for kind, values in zip(kinds, array, strict=True):
            require(bool(np.isfinite(values).all()), f"{name}: {kind} gives NaN or infinity")


def tells_sounds_apart(spec: FeatureSpec) -> None:
    """Noise and a tone give different values."""
    for name, array in spec.transform(_sounds(spec)).items():
        require(not np.array_equal(array[2], array[3]), f"{name}: noise and a tone give the same")


def repeats_itself(spec: FeatureSpec) -> None:
    """The same audio gives the same values, bit for bit."""
    sounds = _sounds(spec)
    first, second = spec.transform(sounds), spec.transform(sounds.copy())
    for name in first:
        require(
            bool(np.array_equal(first[name], second[name], equal_nan=True)),
            f"{name}: values differ",
        )


def leaves_its_input_alone(spec: FeatureSpec) -> None:
    """transform() does not change the samples that it is given."""
    sounds = _sounds(spec)
    before = sounds.copy()
    spec.transform(sounds)
    require(bool(np.array_equal(sounds, before)), "the samples are changed")


def transforms_each_segment_by_itself(spec: FeatureSpec) -> None:
    """A segment's values do not depend on the others of its batch."""
    sounds = _sounds(spec)
    together = spec.transform(sounds)
    for row in range(len(sounds)):
        alone = spec.transform(sounds[row : row + 1])
        for name, array in together.items():
            near = np.allclose(array[row], alone[name][0], rtol=1e-4, atol=1e-4, equal_nan=True)
            require(bool(near), f"{name}: segment {row} has other values alone than in a batch")


def is_a_key(spec: FeatureSpec) -> None:
    """It is hashable and equal to its copy, so that it can be part of the cache key."""
    again = copy.copy(spec)
    require(hash(spec) == hash(again) and spec == again, "a copy is not equal to it")


def names_its_axes(spec: FeatureSpec) -> None:
    """Axes names both axes of a figure."""
    axes = spec.axes
    require(len(axes) == 2 and all(axes), f"expected two names, received {axes!r}")


CHECKS: tuple[Check, ...] = (
    announces_its_shapes,
    is_finite,
    tells_sounds_apart,
    repeats_itself,
    leaves_its_input_alone,
    transforms_each_segment_by_itself,
    is_a_key,
    names_its_axes,
)
