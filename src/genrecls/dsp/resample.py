"""Samples at another rate: soxr where it is installed, else the same filter by NumPy."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray


class StreamResampler(ABC):
    """Makes of blocks what `resampled` makes of all of them together."""

    @abstractmethod
    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what can be said already; it lags behind by half the filter."""

    @abstractmethod
    def finish(self) -> NDArray[np.float32]:
        """Return the rest."""


def stream_resampler(rate: int, wanted: int) -> StreamResampler:
    """Return the means to get from one rate in Hz to another."""
    if rate == wanted:
        return _Unchanged()
    try:
        import soxr
    except ImportError:
        return SincStream(rate, wanted)
    return _SoxrStream(soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="HQ"))


class _Unchanged(StreamResampler):
    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        return block

    def finish(self) -> NDArray[np.float32]:
        return np.zeros(0, np.float32)


class _SoxrStream(StreamResampler):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._stream.resample_chunk(block)
        return found

    def finish(self) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        return found


class SincStream(StreamResampler):
    """`sinc_resampled` of overlapping pieces, of which only the middle is taken.

    After every `down` samples inputs and outputs coincide again, so pieces begin at a multiple of
    that.
    """

    def __init__(self, rate: int, wanted: int) -> None:
        common = math.gcd(rate, wanted)
        self._rates = rate, wanted
        self._up, self._down = wanted // common, rate // common
        # Half the filter, in periods of `down` samples.
        reach = CROSSINGS * max(1, self._down / self._up)
        self._margin = math.ceil(reach / self._down) + 1
        self._held = np.zeros(self._margin * self._down, np.float32)
        self._seen = 0
        self._given = 0

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what no later sample changes."""
        self._held = np.concatenate([self._held, block])
        self._seen += len(block)
        periods = len(self._held) // self._down - 2 * self._margin
        if periods <= 0:
            return np.zeros(0, np.float32)
        found = self._middle(periods * self._up)
        self._held = self._held[periods * self._down :]
        return found

    def finish(self) -> NDArray[np.float32]:
        """Return the rest; behind the end is silence."""
        self._held = np.pad(self._held, (0, (self._margin + 1) * self._down))
        total = (2 * self._seen * self._up + self._down) // (2 * self._down)
        return self._middle(total - self._given)

    def _middle(self, count: int) -> NDArray[np.float32]:
        first = self._margin * self._up
        self._given += count
        return sinc_resampled(self._held, *self._rates)[first : first + count]


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
