"""From samples to log-mel bands and to cosine coefficients by NumPy alone, equal to librosa's.

Training and the runtime of exported models share it; they differ in whose Fourier transform it is
given, for SciPy's is the faster one and NumPy's is there on every device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.segments import frames_within

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


Transform = Callable[[NDArray[np.float32]], NDArray[Any]]
"""Fourier transform of real frames along the last axis; may overwrite what it is given."""

# Windowed frames and their spectra stay in the second-level cache of one core: 64 frames of 2048
# samples are 0.5 MB. Larger blocks are slower, much smaller ones pay for their calls.
_SAMPLES_PER_BLOCK = 64 * 2048


@dataclass(frozen=True)
class LogMel:
    """A log-mel spectrogram; see `genrecls.features.mel.MelSettings` for the meaning of the fields.

    It is `librosa.power_to_db(librosa.feature.melspectrogram(...))`, computed in single precision
    and in blocks that fit a core's cache. It differs by less than 1e-4 dB; only 60 dB and more
    below a pure tone, where rounding is all there is, by up to 1e-3 dB.

    Attributes:
        mels: what the mel filters depend on.
    """

    mels: MelScaleSettings
    hop_length: int
    window: Window
    center: bool
    power: Literal[1, 2]
    ref: float | Literal["max"]
    amin: float
    top_db: float | None

    def frames(self, n_samples: int) -> int:
        """Return the number of frames of a segment of `n_samples` samples."""
        return frames_within(n_samples, {**vars(self), "n_fft": self.mels.n_fft})

    def decibels(self, segments: NDArray[np.float32], rfft: Transform) -> NDArray[np.float32]:
        """Return the log-mel bands of each segment by itself.

        Args:
            segments: shape (segments, samples).
            rfft: Fourier transform.

        Returns:
            Shape (segments, frames, n_mels), in dB.
        """
        count, n_samples = segments.shape
        bands = np.empty((count, self.frames(n_samples), self.mels.n_mels), np.float32)
        taper, blocks = cosine_window(self.window, self.mels.n_fft), mel_blocks(self.mels)
        step = max(1, _SAMPLES_PER_BLOCK // self.mels.n_fft)
        for samples, out in zip(segments, bands, strict=True):
            framed = self._framed(samples)
            for first in range(0, len(out), step):
                spectrum = np.abs(rfft(framed[first : first + step] * taper))
                if self.power == 2:
                    np.square(spectrum, out=spectrum)
                for block in blocks:
                    target = out[first : first + step, block.mels]
                    np.matmul(spectrum[:, block.bins], block.weights, out=target)
            self._to_decibels(out)
        return bands

    def _framed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a view of shape (frames, n_fft) on a padded copy."""
        n_fft = self.mels.n_fft
        margin = n_fft // 2 if self.center else 0
        padded = np.zeros(max(n_fft, len(samples) + 2 * margin), np.float32)
        padded[margin : margin + len(samples)] = samples
        framed = np.lib.stride_tricks.sliding_window_view(padded, n_fft)
        return framed[:: self.hop_length][: self.frames(len(samples))]

    def _to_decibels(self, bands: NDArray[np.float32]) -> None:
        """Replace the mel bands of one segment by 10 log10 of them, relative to `ref`."""
        if not bands.size:
            return
        ref = float(bands.max()) if self.ref == "max" else self.ref
        np.log10(np.maximum(bands, self.amin, out=bands), out=bands)
        bands *= 10
        bands -= np.float32(10 * np.log10(max(self.amin, ref)))
        if self.top_db is not None:
            np.maximum(bands, bands.max() - np.float32(self.top_db), out=bands)


def mels_of(features: Mapping[str, Any]) -> MelScaleSettings:
    """Return what the mel filters of a representation with these settings depend on."""
    return MelScaleSettings(
        sample_rate=features["sample_rate"],
        n_fft=features["n_fft"],
        n_mels=features["n_mels"],
        fmin=features["fmin"],
        fmax=features["fmax"] or features["sample_rate"] / 2,
        scale=features["mel_scale"],
        area_norm=features["mel_norm"] == "slaney",
    )


def log_mel_of(features: Mapping[str, Any]) -> LogMel:
    """Return the log-mel spectrogram of a representation with these settings."""
    same = ("hop_length", "window", "center", "power", "ref", "amin", "top_db")
    return LogMel(mels_of(features), **{name: features[name] for name in same})


def cosine_basis(n_bands: int, n_coefficients: int, lifter: float) -> NDArray[np.float64]:
    """Return the matrix from bands to the first coefficients of the orthonormal DCT-II.

    Args:
        n_bands: mel bands.
        n_coefficients: how many are kept.
        lifter: weight coefficient n (from 1) by 1 + lifter / 2 * sin(pi n / lifter); 0 is off.

    Returns:
        Shape (n_bands, n_coefficients).
    """
    bands, order = np.arange(n_bands)[:, None] + 0.5, np.arange(n_coefficients)
    basis = np.sqrt(2 / n_bands) * np.cos(np.pi / n_bands * bands * order)
    basis[:, 0] /= np.sqrt(2)
    if lifter:
        basis *= 1 + lifter / 2 * np.sin(np.pi * (order + 1) / lifter)
    return np.asarray(basis)


def emphasised(segments: NDArray[np.float32], amount: float) -> NDArray[np.float32]:
    """Return samples minus `amount` of the sample before each; the first of a segment stays."""
    if not amount:
        return segments
    changed = segments.copy()
    changed[:, 1:] -= np.float32(amount) * segments[:, :-1]
    return changed


def greys(bands: NDArray[np.float32], top_db: float) -> NDArray[np.float32]:
    """Return bands in dB below the loudest as 1 (loudest) to 0 (`top_db` below it); silence is 0.

    Relative to its own maximum silence is as loud as it gets: the same value everywhere.
    """
    return np.clip(1 + bands / top_db, 0, 1) if np.ptp(bands) else np.zeros_like(bands)
