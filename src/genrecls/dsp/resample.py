"""Samples at another rate, all at once or block by block.

soxr does it where it is installed, else the same filter by NumPy: a windowed sinc, slower than soxr
and less exact: 1e-3 of full scale in the pass band. Smith, "Digital Audio Resampling",
https://ccrma.stanford.edu/~jos/resample/.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# Zero crossings on each side and shape of the window (Kaiser): flat to 1e-3 up to 91 % of the lower
# rate's half, as soxr's HQ is, and below -80 dB from that half on.
CROSSINGS = 64
_BETA = 8.0
_CUTOFF = 0.957

# Windows that are multiplied at once, for NumPy copies what overlaps: 32 MiB at most.
_VALUES_PER_BLOCK = 8 * 1024 * 1024


def resample(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    """Return mono samples at the rate `wanted`, both in Hz; shape (round(seconds * wanted),)."""
    try:
        import soxr
    except ImportError:
        return sinc_resample(samples, rate, wanted)
    return np.asarray(soxr.resample(samples, rate, wanted, "HQ"), np.float32)


def resampled_length(n_samples: int, rate: int, wanted: int) -> int:
    """Return how many samples `n_samples` at one rate are at another, both in Hz."""
    return (2 * n_samples * wanted + rate) // (2 * rate)


def sinc_resample(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    """Return mono samples at another rate by a windowed sinc, one filter for each phase."""
    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    reach = math.ceil(CROSSINGS * max(1, down / up))
    out = np.zeros(resampled_length(len(samples), rate, wanted), np.float32)
    padded = np.pad(samples, (reach, reach + down))
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach)
    step = max(1, _VALUES_PER_BLOCK // (2 * reach))
    for first in range(min(up, len(out))):
        phased = out[first::up]
        start, phase = divmod(first * down, up)
        weights = _weights(phase / up, reach, _CUTOFF * min(1.0, up / down))
        inputs = around[start + 1 :: down][: len(phased)]
        for row in range(0, len(phased), step):
            phased[row : row + step] = inputs[row : row + step] @ weights
    return out


# A stream needs the same filters for each of its blocks, and they take longer than to apply them.
@lru_cache(maxsize=1024)
def _weights(offset: float, reach: int, cutoff: float) -> NDArray[np.float32]:
    """Return the filter of an output that lies `offset` behind an input.

    Args:
        offset: 0 to 1, in input samples.
        reach: input samples on each side.
        cutoff: where the pass band ends, as a share of half the input rate.
    """
    distance = np.arange(-reach + 1, reach + 1) - offset
    inside = np.maximum(0, 1 - (distance / reach) ** 2)
    window = np.i0(_BETA * np.sqrt(inside)) / np.i0(_BETA)
    return np.asarray(cutoff * np.sinc(cutoff * distance) * window, np.float32)


class StreamResampler(Protocol):
    """Makes of blocks what `resample` makes of all of them together."""

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what can be said already; it lags behind by half the filter."""

    def finish(self) -> NDArray[np.float32]:
        """Return the rest."""


def stream_resampler(rate: int, wanted: int) -> StreamResampler:
    """Return what gets a stream from one rate in Hz to another."""
    if rate == wanted:
        return UnchangedStream()
    try:
        import soxr
    except ImportError:
        return SincStream(rate, wanted)
    return SoxrStream(soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="HQ"))


class UnchangedStream:
    """The same rate."""

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the block."""
        return block

    def finish(self) -> NDArray[np.float32]:
        """Return nothing."""
        return np.zeros(0, np.float32)


class SoxrStream:
    """The stream of soxr."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what soxr has finished."""
        return np.asarray(self._stream.resample_chunk(block), np.float32)

    def finish(self) -> NDArray[np.float32]:
        """Return the rest."""
        rest = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        return np.asarray(rest, np.float32)


class SincStream:
    """`sinc_resample` of overlapping pieces, of which only the middle is taken.

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
        self._buffer = np.zeros(self._margin * self._down, np.float32)
        self._n_inputs = 0
        self._n_outputs = 0

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what no later sample changes."""
        self._buffer = np.concatenate([self._buffer, block])
        self._n_inputs += len(block)
        periods = len(self._buffer) // self._down - 2 * self._margin
        if periods <= 0:
            return np.zeros(0, np.float32)
        middle = self._middle(periods * self._up)
        self._buffer = self._buffer[periods * self._down :]
        return middle

    def finish(self) -> NDArray[np.float32]:
        """Return the rest; behind the end is silence."""
        self._buffer = np.pad(self._buffer, (0, (self._margin + 1) * self._down))
        total = resampled_length(self._n_inputs, *self._rates)
        return self._middle(total - self._n_outputs)

    def _middle(self, count: int) -> NDArray[np.float32]:
        first = self._margin * self._up
        self._n_outputs += count
        return sinc_resample(self._buffer, *self._rates)[first : first + count]
