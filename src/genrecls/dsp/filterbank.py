"""Windows and mel filters as plain matrices, made by NumPy alone.

They equal those of librosa 0.11 (a test compares them), but cost no import of librosa, which takes
longer than a small data set.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Window = Literal["hann", "hamming", "blackman", "rectangular"]
MelScale = Literal["slaney", "htk"]

# Coefficients of the cosine sums, as in scipy.signal.windows.
_COSINES: dict[str, tuple[float, ...]] = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.50, 0.08),
    "rectangular": (1.0,),
}

# Slaney's Auditory Toolbox: linear below 1 kHz, 27 steps for each factor of 6.4 above it.
_SLANEY_LINEAR_HZ = 200.0 / 3
_SLANEY_BREAK_HZ = 1000.0
_SLANEY_BREAK_MEL = _SLANEY_BREAK_HZ / _SLANEY_LINEAR_HZ
_SLANEY_LOG_STEP = np.log(6.4) / 27.0

_BANDS_PER_BLOCK = 16


def cosine_window(kind: Window, length: int) -> NDArray[np.float32]:
    """Return a periodic window, shape (length,), as spectral analysis wants it."""
    phase = np.linspace(-np.pi, np.pi, length + 1)[:-1]
    terms = (a * np.cos(k * phase) for k, a in enumerate(_COSINES[kind]))
    return np.asarray(sum(terms, np.zeros(length)), np.float32)


def hz_to_mel(hz: float, scale: MelScale) -> float:
    """Return the place of a frequency on the mel scale; `htk` is 2595 log10(1 + f / 700)."""
    if scale == "htk":
        return float(2595.0 * np.log10(1.0 + hz / 700.0))
    if hz < _SLANEY_BREAK_HZ:
        return hz / _SLANEY_LINEAR_HZ
    return float(_SLANEY_BREAK_MEL + np.log(hz / _SLANEY_BREAK_HZ) / _SLANEY_LOG_STEP)


def mel_to_hz(mels: NDArray[np.float64], scale: MelScale) -> NDArray[np.float64]:
    """Return the frequencies in Hz of places on the mel scale."""
    if scale == "htk":
        return np.asarray(700.0 * (10.0 ** (mels / 2595.0) - 1.0))
    linear = _SLANEY_LINEAR_HZ * mels
    curved = _SLANEY_BREAK_HZ * np.exp(_SLANEY_LOG_STEP * (mels - _SLANEY_BREAK_MEL))
    return np.where(mels >= _SLANEY_BREAK_MEL, curved, linear)


@dataclass(frozen=True)
class MelScaleSettings:
    """What a mel matrix depends on; see `Mel` for the meaning of the fields."""

    sample_rate: int
    n_fft: int
    n_mels: int
    fmin: float
    fmax: float
    scale: MelScale
    area_norm: bool


@lru_cache(maxsize=32)
def mel_matrix(settings: MelScaleSettings) -> NDArray[np.float32]:
    """Return triangular mel filters, shape (n_mels, 1 + n_fft // 2), read-only.

    Neighbours overlap by half; with `area_norm` each is divided by half its width in Hz, so that
    all have the same area (Slaney), else all peaks would be 1 between two bins.
    """
    low, high = (hz_to_mel(f, settings.scale) for f in (settings.fmin, settings.fmax))
    corners = mel_to_hz(np.linspace(low, high, settings.n_mels + 2), settings.scale)
    widths = np.diff(corners)[:, None]
    distances = corners[:, None] - np.fft.rfftfreq(settings.n_fft, 1.0 / settings.sample_rate)
    rising, falling = -distances[:-2] / widths[:-1], distances[2:] / widths[1:]
    filters = np.asarray(np.maximum(0, np.minimum(rising, falling)), np.float32)
    if settings.area_norm:
        filters *= (2.0 / (corners[2:] - corners[:-2]))[:, None]
    filters.setflags(write=False)
    return filters


@dataclass(frozen=True)
class MelBlock:
    """Some neighbouring mel filters, cut down to the bins that they look at."""

    bins: slice
    mels: slice
    weights: NDArray[np.float32]


@lru_cache(maxsize=32)
def mel_blocks(settings: MelScaleSettings) -> tuple[MelBlock, ...]:
    """Return the mel matrix as a few small dense ones, `weights` of shape (bins, mels).

    Few entries of the matrix are not zero. Multiplying block by block takes a quarter of the time
    of the whole dense matrix and, unlike a sparse one, reads the spectrum in its natural layout.
    """
    matrix = mel_matrix(settings)
    blocks = []
    for first in range(0, len(matrix), _BANDS_PER_BLOCK):
        rows = matrix[first : first + _BANDS_PER_BLOCK]
        used = np.flatnonzero(rows.any(axis=0))
        bins = slice(int(used[0]), int(used[-1]) + 1)
        mels = slice(first, first + len(rows))
        blocks.append(MelBlock(bins, mels, np.ascontiguousarray(rows[:, bins].T)))
    return tuple(blocks)
