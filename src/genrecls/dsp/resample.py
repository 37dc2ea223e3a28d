"""Samples at another rate: soxr where it is installed, else the same filter by NumPy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# Zero crossings on each side and shape of the window (Kaiser): flat to 1e-3 up to 91 % of the lower
# rate's half, as soxr's HQ is, and below -80 dB from that half on.
CROSSINGS = 64
_BETA = 8.0
_CUTOFF = 0.957

# Windows that are multiplied at once: 32 MiB at most.
_VALUES_PER_BLOCK = 8 * 1024 * 1024


def resampled(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    """Return mono samples at the rate `wanted`, both in Hz; shape (round(seconds * wanted),)."""
    try:
        import soxr
    except ImportError:
        return sinc_resampled(samples, rate, wanted)
    found: NDArray[np.float32] = soxr.resample(samples, rate, wanted, "HQ")
    return found


def sinc_resampled(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    """Return mono samples at another rate by a windowed sinc, one filter for each phase.

    Slower than soxr and less exact: 1e-3 of full scale in the pass band. Smith, "Digital Audio
    Resampling", https://ccrma.stanford.edu/~jos/resample/.
    """
    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    reach = math.ceil(CROSSINGS * max(1, down / up))
    out = np.zeros((2 * len(samples) * up + down) // (2 * down), np.float32)
    padded = np.pad(samples, (reach, reach + down))
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach)
    for first in range(min(up, len(out))):
        phased = out[first::up]
        start, phase = divmod(first * down, up)
        weights = _weights(phase / up, reach, min(1.0, up / down))
        _filter(around[start + 1 :: down][: len(phased)], weights, phased)
    return out


def _filter(
    around: NDArray[np.float32], weights: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    # NumPy copies what overlaps before it multiplies.
    step = max(1, _VALUES_PER_BLOCK // len(weights))
    for first in range(0, len(out), step):
        out[first : first + step] = around[first : first + step] @ weights


def _weights(offset: float, reach: int, share: float) -> NDArray[np.float32]:
    """Return the filter of an output that lies `offset` behind an input.

    Args:
        offset: 0 to 1, in input samples.
        reach: input samples on each side.
        share: lower of both rates as a share of the input rate.
    """
    distance = np.arange(-reach + 1, reach + 1) - offset
    inside = np.maximum(0, 1 - (distance / reach) ** 2)
    window = np.i0(_BETA * np.sqrt(inside)) / np.i0(_BETA)
    cutoff = _CUTOFF * share
    return np.asarray(cutoff * np.sinc(cutoff * distance) * window, np.float32)
