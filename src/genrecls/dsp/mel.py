"""The front end: from samples to log-mel bands, cosine coefficients and mel pictures.

There is no other definition. Training, exported models on a device, the TensorFlow Lite graph and
the C tables all take their arrays (window, mel filters, cosine basis, resize matrices) and the
order of their steps from here. NumPy is enough; training hands in faster functions of SciPy and
Pillow that give the same values (`Kernels`). Everything equals librosa's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.mel_settings import Compression, MelScale, Window
from genrecls.dsp.segments import count_frames

Floats = NDArray[np.float32]

# Per-channel energy normalisation is made for samples of 32-bit integers, and keeps what it divides
# by away from zero (`librosa.pcen` and its advice for samples from -1 to 1).
PCEN_SCALE = 2.0**31
PCEN_FLOOR = 1e-6

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

# Windowed frames and their spectra stay in the second-level cache of one core: 64 frames of 2048
# samples are 0.5 MB. Larger blocks are slower, much smaller ones pay for their calls.
_SAMPLES_PER_BLOCK = 64 * 2048


def cosine_window(kind: Window, length: int) -> Floats:
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
    """What a mel matrix depends on; see `genrecls.features.mel.MelSettings` for the fields."""

    sample_rate: int
    n_fft: int
    n_mels: int
    fmin: float
    fmax: float
    scale: MelScale
    area_norm: bool


@lru_cache(maxsize=32)
def mel_matrix(settings: MelScaleSettings) -> Floats:
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


@dataclass(frozen=True, eq=False)
class MelBlock:
    """Some neighbouring mel filters, cut down to the bins that they look at.

    Attributes:
        bins: the bins of the spectrum.
        mels: the bands.
        weights: shape (bins, mels).
    """

    bins: slice
    mels: slice
    weights: Floats


@lru_cache(maxsize=32)
def mel_blocks(settings: MelScaleSettings) -> tuple[MelBlock, ...]:
    """Return the mel matrix as a few small dense ones.

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


def lifter_weights(n_coefficients: int, lifter: float) -> NDArray[np.float64]:
    """Return the weight 1 + lifter / 2 * sin(pi n / lifter) of each coefficient n, from 1 on."""
    order = np.arange(1, n_coefficients + 1)
    return np.asarray(1 + lifter / 2 * np.sin(np.pi * order / lifter))


def cosine_basis(n_bands: int, n_coefficients: int, lifter: float) -> NDArray[np.float64]:
    """Return the matrix from bands to the first coefficients of the orthonormal DCT-II.

    Its shape is (n_bands, n_coefficients); for `lifter` see `lifter_weights`, 0 is off.
    """
    bands, order = np.arange(n_bands)[:, None] + 0.5, np.arange(n_coefficients)
    basis = np.sqrt(2 / n_bands) * np.cos(np.pi / n_bands * bands * order)
    basis[:, 0] /= np.sqrt(2)
    if lifter:
        basis *= lifter_weights(n_coefficients, lifter)
    return np.asarray(basis)


def cosine_coefficients(
    bands: Floats, n_coefficients: int, lifter: float
) -> NDArray[np.floating[Any]]:
    """Return the first coefficients of log-mel bands (..., bands) along the last axis."""
    return np.asarray(bands @ cosine_basis(bands.shape[-1], n_coefficients, lifter))


def bilinear_matrix(here: int, there: int) -> NDArray[np.float64]:
    """Return the matrix, shape (there, here), that resizes an axis; shrinking, every value counts.

    A triangle as wide as two new pixels (two old ones, if those are larger) is laid over each, as
    Pillow's `BILINEAR` does it.
    """
    scale = here / there
    width = max(1.0, scale)
    centres = (np.arange(there)[:, None] + 0.5) * scale
    weights = np.maximum(0, 1 - np.abs(np.arange(here) + 0.5 - centres) / width)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float64)


def resize(picture: Floats, size: Sequence[int]) -> Floats:
    """Return a picture of one channel with the shape `size`."""
    rows, columns = (
        bilinear_matrix(here, there) for here, there in zip(picture.shape, size, strict=True)
    )
    return np.asarray(rows @ picture @ columns.T, np.float32)


def pre_emphasise(segments: Floats, amount: float) -> Floats:
    """Return samples minus `amount` of the sample before each; the first of a segment stays."""
    if not amount:
        return segments
    changed = segments.copy()
    changed[:, 1:] -= np.float32(amount) * segments[:, :-1]
    return changed


def to_grey(bands: Floats, top_db: float) -> Floats:
    """Return bands in dB below the loudest as 1 (loudest) to 0 (`top_db` below it); silence is 0.

    Relative to its own maximum silence is as loud as it gets: the same value everywhere.
    """
    return np.clip(1 + bands / top_db, 0, 1) if np.ptp(bands) else np.zeros_like(bands)


def apply_colours(grey: Floats, colours: Floats) -> Floats:
    """Return the colour of each value of 0 to 1, on a new last axis, as matplotlib chooses it.

    A colour map has the shape (colours, 3).
    """
    return colours[np.minimum((grey * len(colours)).astype(np.int64), len(colours) - 1)]


@dataclass(frozen=True)
class Kernels:
    """The library functions that a front end computes with; these are NumPy's.

    Attributes:
        rfft: Fourier transform of real frames along the last axis; may overwrite what it is given.
        coefficients: the function `cosine_coefficients`.
        resize: the function `resize`.
    """

    rfft: Callable[[Floats], NDArray[Any]] = np.fft.rfft
    coefficients: Callable[[Floats, int, float], NDArray[np.floating[Any]]] = cosine_coefficients
    resize: Callable[[Floats, Sequence[int]], Floats] = resize


NUMPY = Kernels()


@dataclass(frozen=True, eq=False)
class MelFrontEnd:
    """Log-mel bands, and what `mfcc` or a mel picture makes of them, of each segment by itself.

    The bands are `librosa.feature.melspectrogram(...)`, computed in single precision and in blocks
    that fit a core's cache, and what the compression makes of them. In decibels they differ from
    `librosa.power_to_db` by less than 1e-4 dB; only 60 dB and more below a pure tone, where
    rounding is all there is, by up to 1e-3 dB.

    Attributes:
        compression, log_gain, pcen_seconds, pcen_gain, pcen_bias, pcen_power: see
            `genrecls.features.mel.CompressedMel`.
        n_mfcc, lifter: see `genrecls.features.mfcc`; None where no coefficients are wanted.
        pre_emphasis, size, colour: see `genrecls.features.mel_image`; None where no picture is.
        colours: the colour map of a coloured picture, shape (colours, 3).
        kernels: what the steps are computed with.

    The other attributes are those of `genrecls.features.mel.MelSettings`.
    """

    sample_rate: int
    hop_length: int
    n_fft: int
    window: Window
    center: bool
    power: Literal[1, 2]
    n_mels: int
    fmin: float
    fmax: float | None
    mel_scale: MelScale
    mel_norm: Literal["slaney"] | None
    ref: float | Literal["max"]
    amin: float
    top_db: float | None
    compression: Compression = "db"
    log_gain: float = 10_000.0
    pcen_seconds: float = 0.4
    pcen_gain: float = 0.98
    pcen_bias: float = 2.0
    pcen_power: float = 0.5
    n_mfcc: int | None = None
    lifter: float = 0.0
    pre_emphasis: float = 0.0
    size: Sequence[int] | None = None
    colour: str | None = None
    colours: Floats | None = None
    kernels: Kernels = NUMPY

    @classmethod
    def of(
        cls, settings: Mapping[str, Any], colours: Floats | None = None, kernels: Kernels = NUMPY
    ) -> MelFrontEnd:
        """Return the front end of a representation with these settings; others are ignored.

        Raises:
            TypeError: a setting is missing.
        """
        known = {f.name: settings[f.name] for f in fields(cls) if f.name in settings}
        return cls(**known, colours=colours, kernels=kernels)

    @property
    def filter_settings(self) -> MelScaleSettings:
        """What the mel filters depend on."""
        return MelScaleSettings(
            sample_rate=self.sample_rate,
            n_fft=self.n_fft,
            n_mels=self.n_mels,
            fmin=self.fmin,
            fmax=self.fmax or self.sample_rate / 2,
            scale=self.mel_scale,
            area_norm=self.mel_norm == "slaney",
        )

    @property
    def window_samples(self) -> Floats:
        """The window, shape (n_fft,)."""
        return cosine_window(self.window, self.n_fft)

    @property
    def filters(self) -> Floats:
        """Mel filters, shape (n_mels, 1 + n_fft // 2), to be multiplied with a spectrum."""
        return mel_matrix(self.filter_settings)

    @property
    def filter_blocks(self) -> tuple[MelBlock, ...]:
        """The mel filters as a few small dense matrices."""
        return mel_blocks(self.filter_settings)

    @property
    def basis(self) -> Floats:
        """Matrix from log-mel bands to coefficients, shape (n_mels, n_mfcc), lifter included.

        Raises:
            ValueError: there are no coefficients.
        """
        if self.n_mfcc is None:
            raise ValueError("expected the settings of mfcc, received none for n_mfcc")
        return cosine_basis(self.n_mels, self.n_mfcc, self.lifter).astype(np.float32)

    @property
    def smoothing(self) -> float:
        """Weight of the present frame in the running mean of `pcen`, 0 to 1.

        That of a first-order filter whose time constant is `pcen_seconds` (`librosa.pcen`).
        """
        frames = self.pcen_seconds * self.sample_rate / self.hop_length
        # Of two forms of the root the one that does not cancel where `frames` is small.
        return float(2 / (np.sqrt(1 + 4 * frames**2) + 1))

    def resize_matrices(self, frames: int) -> tuple[Floats, Floats] | None:
        """Return what a picture is multiplied with to get its size; None where it keeps its own.

        Returns:
            Shapes (size[0], frames) and (size[1], n_mels): `rows @ picture @ columns.T`.
        """
        if self.size is None:
            return None
        here = (frames, self.n_mels)
        rows, columns = (bilinear_matrix(h, t) for h, t in zip(here, self.size, strict=True))
        return rows.astype(np.float32), columns.astype(np.float32)

    def frames(self, n_samples: int) -> int:
        """Return the number of frames of a segment of `n_samples` samples."""
        return count_frames(n_samples, vars(self))

    def shape(self, n_samples: int) -> tuple[int, ...]:
        """Return the shape of what `transform` makes of a segment of `n_samples` samples."""
        frames = self.frames(n_samples)
        if self.n_mfcc is not None:
            return frames, self.n_mfcc
        size = tuple(self.size) if self.size is not None and frames else (frames, self.n_mels)
        return size if self.colour in {None, "grey"} else (*size, 3)

    def values(self, n_samples: int) -> int:
        """Return how many numbers the largest array on the way to the features of a segment has.

        Args:
            n_samples: samples of the segment.
        """
        frames = self.frames(n_samples)
        largest = max(frames * self.n_mels, prod(self.shape(n_samples)))
        return largest if self.size is None else max(largest, frames * self.size[0])

    def transform(self, segments: Floats) -> Floats:
        """Return the features of segments (segments, samples), shape (segments, *`shape`).

        Raises:
            ValueError: a mel picture without `top_db`, or without the colours that it needs.
        """
        if self.n_mfcc is None and self.colour is None:
            return self.bands(segments)
        made = np.zeros((len(segments), *self.shape(segments.shape[1])), np.float32)
        if not made.size:
            return made
        bands = self.bands(pre_emphasise(segments, self.pre_emphasis))
        if self.n_mfcc is not None:
            made[:] = self.kernels.coefficients(bands, self.n_mfcc, self.lifter)
            return made
        if self.top_db is None:
            raise ValueError("top_db: expected a number for a mel picture, received None")
        if self.colours is None and self.colour not in {"grey", "repeat"}:
            raise ValueError(f"expected the colours of the colour map {self.colour}, received none")
        for picture, segment in zip(made, bands, strict=True):
            grey = to_grey(segment, self.top_db)
            if self.size is not None:
                grey = self.kernels.resize(grey, self.size)
            if self.colours is not None:
                picture[:] = apply_colours(grey, self.colours)
            else:
                picture[:] = grey[..., None] if picture.ndim == 3 else grey
        return made

    def bands(self, segments: Floats) -> Floats:
        """Return the compressed mel bands of segments (segments, samples), each by itself.

        Their shape is (segments, frames, n_mels).
        """
        count, n_samples = segments.shape
        frames = self.frames(n_samples)
        all_bands = np.empty((count, frames, self.n_mels), np.float32)
        if not all_bands.size:
            return all_bands
        window, blocks = self.window_samples, self.filter_blocks
        margin = self.n_fft // 2 if self.center else 0
        step = max(1, _SAMPLES_PER_BLOCK // self.n_fft)
        for samples, bands in zip(segments, all_bands, strict=True):
            padded = np.zeros(max(self.n_fft, n_samples + 2 * margin), np.float32)
            padded[margin : margin + n_samples] = samples
            framed = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft)
            framed = framed[:: self.hop_length][:frames]
            for first in range(0, frames, step):
                spectrum = np.abs(self.kernels.rfft(framed[first : first + step] * window))
                if self.power == 2:
                    np.square(spectrum, out=spectrum)
                for block in blocks:
                    target = bands[first : first + step, block.mels]
                    np.matmul(spectrum[:, block.bins], block.weights, out=target)
            self._compress(bands)
        return all_bands

    def _compress(self, bands: Floats) -> None:
        """Compress the mel bands of a segment, shape (frames, n_mels), in their place."""
        if self.compression == "log1p":
            np.log1p(np.multiply(bands, np.float32(self.log_gain), out=bands), out=bands)
            np.multiply(bands, np.float32(1 / np.log(10)), out=bands)
        elif self.compression == "pcen":
            np.multiply(bands, np.float32(PCEN_SCALE), out=bands)
            # The running mean begins with the first frame itself, so that no onset is heard there.
            mean, share = bands[0].copy(), np.float32(self.smoothing)
            bias, power = np.float32(self.pcen_bias), np.float32(self.pcen_power)
            for frame in bands:
                mean += share * (frame - mean)
                divisor = (np.float32(PCEN_FLOOR) + mean) ** np.float32(self.pcen_gain)
                np.divide(frame, divisor, out=frame)
            # (frame + bias) ** power - bias ** power, without the difference of two large numbers.
            np.log1p(np.multiply(bands, 1 / bias, out=bands), out=bands)
            np.expm1(np.multiply(bands, power, out=bands), out=bands)
            np.multiply(bands, bias**power, out=bands)
        else:
            # 10 log10 of the mel bands, relative to `ref` and at most `top_db` below the loudest.
            ref = float(bands.max()) if self.ref == "max" else self.ref
            np.log10(np.maximum(bands, self.amin, out=bands), out=bands)
            np.multiply(bands, 10, out=bands)
            np.subtract(bands, np.float32(10 * np.log10(max(self.amin, ref))), out=bands)
            if self.top_db is not None:
                np.maximum(bands, bands.max() - np.float32(self.top_db), out=bands)
