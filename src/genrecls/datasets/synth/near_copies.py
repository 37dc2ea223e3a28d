"""Near-copies: the same recording once more, as it comes back from another CD, station or file.

What collections hold more than once is seldom the same bytes; for GTZAN see B. L. Sturm, "The GTZAN
dataset: Its contents, its faults, their effects on evaluation, and its future use", arXiv
1306.1461, 2013. A near-copy sounds like its original and no checksum finds it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from genrecls.datasets.synth import RATE

Sound = NDArray[np.float64]
Treatment = Callable[[Sound, np.random.Generator], Sound]

SHIFT = RATE
"""Largest shift in samples, to either side."""
GAIN = (-12.0, 3.0)
"""Range of the change of level in dB; what is too loud then is clipped."""

_FRAME = 1024
_CODEC_RANGE = 30.0
_CODEC_HIGHEST = 8_000.0


def near_copy(
    samples: NDArray[np.int16], number: int, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Return a shifted, softer or louder and worse copy of a recording.

    What the shift moves out at one end comes in at the other, so that the length is kept.

    Args:
        samples: the original, shape `(length,)`.
        number: place of the copy among the copies; they take the `TREATMENTS` in turn.
        rng: where the shift, the gain and the details of the treatment come from.
    """
    shift = int(rng.integers(-SHIFT, SHIFT, endpoint=True))
    gain = 10 ** (rng.uniform(*GAIN) / 20)
    moved: Sound = np.roll(samples, shift).astype(np.float64) * (gain / 32768)
    treated = TREATMENTS[number % len(TREATMENTS)](moved, rng)
    copied: NDArray[np.int16] = np.rint(32767 * np.clip(treated, -1, 1)).astype(np.int16)
    return copied


def eight_bits(sound: Sound, _: np.random.Generator) -> Sound:
    """Return what is left of 8 bits."""
    stepped: Sound = np.rint(sound * 128) / 128
    return stepped


def coded(sound: Sound, _: np.random.Generator) -> Sound:
    """Return what a lossy codec leaves: no treble, and nothing far below the loudest partial."""
    hop = _FRAME // 2
    window = np.sin(np.pi * (np.arange(_FRAME) + 0.5) / _FRAME)
    padded = np.pad(sound, (hop, hop + -len(sound) % hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::hop]
    spectra = np.fft.rfft(frames * window)
    step = np.abs(spectra).max(axis=1, keepdims=True) * 10 ** (-_CODEC_RANGE / 20) + 1e-12
    coarse = step * (np.rint(spectra.real / step) + 1j * np.rint(spectra.imag / step))
    coarse[:, int(_CODEC_HIGHEST * _FRAME / RATE) :] = 0
    parts = np.fft.irfft(coarse) * window
    added: Sound = parts[1:, :hop].ravel() + parts[:-1, hop:].ravel()
    return added[: len(sound)]


def filtered(sound: Sound, rng: np.random.Generator) -> Sound:
    """Return what a small radio plays: little bass and little treble."""
    low, high = rng.uniform(40, 100), rng.uniform(4_000, 8_000)
    frequencies = np.fft.rfftfreq(len(sound), 1 / RATE)
    frequencies[0] = 1e-3
    gain = 1 / ((1 + (low / frequencies) ** 2) * (1 + (frequencies / high) ** 2))
    played: Sound = np.fft.irfft(np.fft.rfft(sound) * gain, len(sound))
    return played


TREATMENTS: tuple[Treatment, ...] = (eight_bits, coded, filtered)
"""What happens to copies beside shift and gain: the first copy gets the first, and so on."""
