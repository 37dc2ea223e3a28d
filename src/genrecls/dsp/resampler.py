"""Samples at another rate while they arrive, without a seam between two blocks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.resample import CROSSINGS, sinc_resampled


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
