"""Instruments: a wavetable voice that is plucked, blown or struck, and three drums.

Wavetables rather than sines: they cost one look-up a sample, and their arithmetic gives the same
bits on different processors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.datasets.synth import RATE

Signal = NDArray[np.float32]

_SIZE = 2048
_HIGHEST = 9_000.0
_RELEASE = np.float32(0.01)


@dataclass(frozen=True)
class Timbre:
    """The sound of a pitched instrument.

    Attributes:
        tilt: fall of the harmonics in dB an octave.
        even: level of the even harmonics as a share of what the tilt gives them.
        index: depth of the frequency modulation in radians at the start of a note.
        ratio: frequency of the modulator as a multiple of that of the note.
        attack: seconds to full level.
        decay: seconds in which the level falls to 1/e.
        dull: seconds in which brightness and modulation fall to 1/e.
        detune: distance of two voices in cents.
        formant: frequency in Hz around which harmonics are stronger.
    """

    tilt: float
    even: float
    index: float
    ratio: float
    attack: float
    decay: float
    dull: float
    detune: float
    formant: float


TIMBRES = {
    "bell": Timbre(12, 1.0, 1.6, 3.5, 0.002, 0.6, 0.25, 2, 2400),
    "growl": Timbre(4, 1.0, 1.2, 0.5, 0.006, 1.2, 0.9, 14, 700),
    "organ": Timbre(9, 0.7, 0.0, 1.0, 0.020, 6.0, 5.0, 6, 1200),
    "pad": Timbre(11, 0.8, 0.3, 2.0, 0.250, 5.0, 2.5, 14, 800),
    "pluck": Timbre(5, 0.9, 0.0, 1.0, 0.003, 0.35, 0.12, 3, 1500),
    "pulse": Timbre(5, 0.3, 0.4, 1.0, 0.004, 0.8, 0.20, 8, 900),
    "reed": Timbre(6, 0.4, 0.5, 1.0, 0.040, 3.0, 2.0, 5, 1100),
    "round": Timbre(13, 0.6, 0.2, 1.0, 0.010, 0.9, 0.20, 2, 300),
    "saw": Timbre(6, 1.0, 0.2, 1.0, 0.012, 2.5, 0.80, 16, 1800),
}


@dataclass(frozen=True)
class Kit:
    """The tuning of a drum kit.

    Attributes:
        kick: frequency of the kick in Hz.
        kick_decay: seconds.
        snare: frequency of the skin of the snare in Hz.
        wires: share of noise in the snare.
        snare_decay: seconds.
        hat_decay: seconds.
        hat_tone: 0 for a dark hat, 1 for a bright one.
    """

    kick: float
    kick_decay: float
    snare: float
    wires: float
    snare_decay: float
    hat_decay: float
    hat_tone: float


class Voice:
    """Plays notes of one timbre and remembers them, for music repeats itself."""

    def __init__(self, timbre: Timbre) -> None:
        self._timbre = timbre
        self._played: dict[tuple[int, int], Signal] = {}

    def __call__(self, pitch: int, length: int) -> Signal:
        """Return the note `pitch` (semitones above middle C) held for `length` samples."""
        key = (pitch, length)
        if key not in self._played:
            self._played[key] = note(self._timbre, 261.63 * 2 ** (pitch / 12), length)
        return self._played[key]


def note(timbre: Timbre, frequency: float, length: int) -> Signal:
    """Return one note of `frequency` Hz, `length` samples long."""
    t = np.arange(length, dtype=np.float32) / np.float32(RATE)
    dark = _table(timbre, frequency, timbre.tilt + 9)
    bright = _table(timbre, frequency, timbre.tilt) - dark
    fading = np.exp(-t / np.float32(timbre.dull))
    # The modulation of the phase, in periods.
    bend = np.zeros_like(t)
    if timbre.index:
        depth = np.float32(timbre.index / (2 * np.pi))
        place = (t * np.float32(frequency * timbre.ratio * _SIZE)).astype(np.int32) & (_SIZE - 1)
        bend = depth * _SINE[place] * fading
    out = np.zeros(length, dtype=np.float32)
    for cents in (-timbre.detune / 2, timbre.detune / 2):
        phase = t * np.float32(frequency * 2 ** (cents / 1200)) + bend
        place = (phase * _SIZE).astype(np.int32) & (_SIZE - 1)
        out += dark[place] + bright[place] * fading
    rise = np.minimum(t / np.float32(timbre.attack), 1)
    fall = np.minimum((t[-1] - t) / _RELEASE, 1)
    envelope: Signal = rise * fall * np.exp(-t / np.float32(timbre.decay))
    return out * envelope * np.float32(0.5)


def _table(timbre: Timbre, frequency: float, tilt: float) -> Signal:
    """Return one period of unit power without harmonics that the sample rate cannot hold."""
    h = np.arange(1, max(1, min(40, int(_HIGHEST / frequency))) + 1)
    level = 10 ** (-tilt * np.log2(h) / 20) * np.where(h % 2 == 0, timbre.even, 1.0)
    level *= 1 + 2 * np.exp(-((np.log2(h * frequency / timbre.formant) / 0.5) ** 2))
    spectrum = np.zeros(_SIZE // 2 + 1, dtype=complex)
    # Phases that grow with the square of the number keep the peak of the sum low.
    spectrum[h] = level / np.linalg.norm(level) * np.exp(-1j * np.pi * h**2 / len(h))
    return (np.fft.irfft(spectrum, _SIZE) * _SIZE / 2**0.5).astype(np.float32)


_SINE: Signal = np.sin(2 * np.pi * np.arange(_SIZE) / _SIZE).astype(np.float32)


def drums(kit: Kit, rng: np.random.Generator) -> dict[str, Signal]:
    """Return one stroke of each drum of `kit`."""
    t = np.arange(int(RATE * 5 * kit.kick_decay)) / RATE
    phase = kit.kick * (t + 0.06 * (1 - np.exp(-t / 0.02)))
    kick = np.sin(2 * np.pi * phase) * np.exp(-t / kit.kick_decay)

    t = np.arange(int(RATE * 5 * kit.snare_decay)) / RATE
    skin = np.sin(2 * np.pi * kit.snare * t) * np.exp(-t / (0.6 * kit.snare_decay))
    wires = _brighter(rng.standard_normal(len(t)), 0.5) * np.exp(-t / kit.snare_decay)
    snare = (1 - kit.wires) * skin + kit.wires * wires

    t = np.arange(int(RATE * 5 * kit.hat_decay)) / RATE
    noise = _brighter(rng.standard_normal(len(t)), 0.5 + 0.5 * kit.hat_tone)
    hat = 0.5 * noise * np.exp(-t / kit.hat_decay)
    strokes = {"kick": kick, "snare": snare, "hat": hat}
    return {name: stroke.astype(np.float32) for name, stroke in strokes.items()}


def _brighter(noise: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    return noise - amount * np.concatenate([[0.0], noise[:-1]])
