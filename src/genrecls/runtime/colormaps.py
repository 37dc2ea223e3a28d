"""Colour maps small enough to travel with a model; a device has no matplotlib."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# A map changes smoothly, so the changes of its changes are small numbers that a zip packs well:
# 0.4 kB, while the rounding stays below anything that can be seen.
_STEPS = 10_000


def pack_colours(table: NDArray[np.float64]) -> list[int]:
    """Return a colour map, values 0 to 1 of shape (colours, 3), as a few small numbers."""
    steps = np.rint(table * _STEPS).astype(np.int64)
    for _ in range(2):
        steps = np.diff(steps, axis=0, prepend=0)
    return [int(step) for step in steps.T.ravel()]


def unpack_colours(packed: Sequence[int]) -> NDArray[np.float32]:
    """Return the colour map that `pack_colours` was given, shape (colours, 3).

    Raises:
        ValueError: there are no colours, or values that are none.
    """
    if not packed:
        raise ValueError("colours: missing; a coloured picture needs those of its colour map")
    if len(packed) % 3:
        raise ValueError(f"colours: received {len(packed)} numbers; allowed: red, green and blue")
    steps = np.asarray(packed, np.int64).reshape(3, -1).T
    for _ in range(2):
        steps = np.cumsum(steps, axis=0)
    if steps.min() < 0 or steps.max() > _STEPS:
        raise ValueError("colours: received shades that are not from 0 to 1")
    return np.asarray(steps / _STEPS, np.float32)
