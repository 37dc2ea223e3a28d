"""The studio: parts are balanced, put into a room, coloured, saturated and cut to 16 bits."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from genrecls.datasets.synth import RATE
from genrecls.datasets.synth.composition import perform
from genrecls.datasets.synth.instruments import Signal
from genrecls.datasets.synth.sounds import KNOTS, band_sound, track_sound
from genrecls.datasets.synth.styles import Style

_TAIL = RATE


def record(
    style: Style, length: int, band_seed: np.random.SeedSequence, seed: np.random.SeedSequence
) -> NDArray[np.int16]:
    """Return one track of one band.

    Args:
        style: what is played.
        length: samples of the track.
        band_seed: the same for all tracks of a band.
        seed: this track's own.
    """
    rng = np.random.default_rng(seed)
    sound = track_sound(band_sound(style, np.random.default_rng(band_seed)), rng)
    parts = perform(style, sound, length, rng)
    gains = {part: np.float32(10 ** (sound.balance[part] / 20)) for part in parts}
    mixed: Signal = sum((gains[p] * parts[p] for p in parts), np.zeros(1, dtype=np.float32))

    # The echo of the room, which starts with the direct sound.
    echo = _reflections() * np.exp(-np.arange(_TAIL) / RATE / sound.room)
    echo *= sound.wet / np.linalg.norm(echo)
    echo[0] += 1
    size = len(mixed) + _TAIL
    spectrum = np.fft.rfft(mixed, size) * np.fft.rfft(echo.astype(np.float32), size)

    # The colour is smooth: a thousand points of it are as good as one for every bin.
    coarse = np.linspace(0, RATE / 2, 1024)
    decibels = np.interp(np.log(np.maximum(coarse, 20)), np.log(KNOTS), sound.colour)
    gain = 10 ** (decibels / 20)
    gain[0] = 0
    fine = np.linspace(0, RATE / 2, len(spectrum), dtype=np.float32)
    spectrum *= np.interp(fine, coarse, gain).astype(np.float32)
    hall = np.fft.irfft(spectrum, size)[: len(mixed)].astype(np.float32)

    background = np.float32(_rms(hall) * 10 ** (-sound.noise / 20))
    hall += background * rng.standard_normal(len(hall), dtype=np.float32)
    saturated = np.tanh(np.float32(sound.drive) * hall / (4 * _rms(hall)))
    saturated -= saturated.mean()
    scale = np.float32(32767 * sound.peak / np.abs(saturated).max())
    samples: NDArray[np.int16] = np.rint(saturated * scale).astype(np.int16)
    return samples


@cache
def _reflections() -> NDArray[np.float64]:
    """Return the reflections of the one room of the studio, whose walls the bands can move."""
    return np.random.default_rng(0).standard_normal(_TAIL)


def _rms(signal: Signal) -> np.float32:
    return np.float32(np.sqrt(np.mean(np.square(signal))))
