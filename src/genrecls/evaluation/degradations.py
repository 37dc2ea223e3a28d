"""What happens to music on its way to a listener, as functions on samples.

The standard set follows the Audio Degradation Toolbox (Mauch and Ewert, ISMIR 2013) in its kinds:
compression, noise, a change of pitch or tempo, a loss of the highs and a small device.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.resample import resample
from genrecls.features.filters import butterworth
from genrecls.rng import stream

Samples = NDArray[np.float32]

MP3_BITS = 64_000
NOISE_DB = 20.0
LOW_PASS_HZ = 4000.0
TELEPHONE_HZ = (300.0, 3400.0)
DRIVE = 2.0
"""How far the telephone is driven: half its loudest sample becomes 0.79 of the new loudest."""

# Bits a second of the first and the last step of libsndfile's scale, by the lowest sample rate.
_MP3_SCALES = ((32_000, 320_000, 32_000), (16_000, 160_000, 8_000), (0, 64_000, 8_000))
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)

# Samples that are handed to the encoder at once.
_BLOCK = 2**16


@dataclass(frozen=True)
class Degradation:
    """One way in which a track may have suffered.

    Attributes:
        title: what it is, for tables and figures.
        apply: returns the degraded samples of a mono track, given them, their rate in Hz and a
            seed. Only a change of tempo changes their number.
        missing: says in one line what is not installed that it needs; empty where all is there.
    """

    title: str
    apply: Callable[[Samples, int, int], Samples]
    missing: Callable[[], str] = str


def mp3(samples: Samples, rate: int) -> Samples:
    """Return what is left after coding as MP3 at 64 kb/s, mono, at a constant bit rate.

    A rate that MP3 does not have is brought to the next higher one before, and back behind it.
    """
    import soundfile

    coded_rate = next((known for known in _MP3_RATES if known >= rate), _MP3_RATES[-1])
    if coded_rate != rate:
        coded = mp3(resample(samples, rate, coded_rate), coded_rate)
        return _same_length(resample(coded, coded_rate, rate), len(samples))
    first, last = next((high, low) for least, high, low in _MP3_SCALES if rate >= least)
    level = (first - MP3_BITS) / (first - last)
    file = io.BytesIO()
    kind = {"format": "MP3", "subtype": "MPEG_LAYER_III"}
    quality = {"bitrate_mode": "CONSTANT", "compression_level": level}
    with soundfile.SoundFile(file, "w", rate, 1, **kind, **quality) as coder:
        for start in range(0, len(samples), _BLOCK):
            coder.write(samples[start : start + _BLOCK])
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    return _same_length(np.asarray(decoded, np.float32), len(samples))


def why_no_mp3() -> str:
    """Return why MP3 cannot be written here; empty where it can."""
    import soundfile

    if "MPEG_LAYER_III" in soundfile.available_subtypes("MP3"):
        return ""
    return f"libsndfile {soundfile.__libsndfile_version__} cannot write MP3; version 1.1 can"


def white_noise(samples: Samples, seed: int) -> Samples:
    """Return samples with white noise 20 dB below their root mean square over the whole track."""
    level = np.sqrt(np.mean(np.square(samples, dtype=np.float64))) * 10 ** (-NOISE_DB / 20)
    noise = stream(seed, "degradation noise").standard_normal(len(samples), np.float32)
    return samples + np.float32(level) * noise


def transposed(samples: Samples, rate: int, semitones: float) -> Samples:
    """Return the same music higher or lower, at the same tempo (Signalsmith Stretch)."""
    return _stretched(samples, rate, semitones=semitones)


def at_tempo(samples: Samples, rate: int, tempo: float) -> Samples:
    """Return the same music faster (`tempo` above 1) or slower, at the same pitch."""
    return _stretched(samples, rate, tempo=tempo)


def low_pass(samples: Samples, rate: int) -> Samples:
    """Return samples without what lies above 4 kHz: a Butterworth filter of order 8."""
    if rate <= 2 * LOW_PASS_HZ:
        return samples
    return butterworth(samples, rate, 8, LOW_PASS_HZ, "lowpass")


def telephone(samples: Samples, rate: int) -> Samples:
    """Return what a telephone makes of music: the band from 300 to 3400 Hz, mildly distorted.

    A band-pass (Butterworth, order 4 on either side) is the microphone; tanh, scaled so that the
    loudest sample of the track goes `DRIVE` deep into it, is its overload; the same band-pass again
    is the line, which lets nothing through that the overload adds outside the band.
    """
    low, high = TELEPHONE_HZ
    band = (low, min(high, 0.45 * rate))
    heard = butterworth(samples, rate, 4, band, "bandpass")
    peak = float(np.abs(heard).max(initial=0.0))
    if not peak:
        return heard
    return butterworth(peak / DRIVE * np.tanh(DRIVE / peak * heard), rate, 4, band, "bandpass")


STANDARD: dict[str, Degradation] = {
    "mp3": Degradation("MP3 at 64 kb/s", lambda x, rate, _: mp3(x, rate), why_no_mp3),
    "noise": Degradation("noise at 20 dB", lambda x, _, seed: white_noise(x, seed)),
    "higher": Degradation("a semitone up", lambda x, rate, _: transposed(x, rate, 1)),
    "lower": Degradation("a semitone down", lambda x, rate, _: transposed(x, rate, -1)),
    "faster": Degradation("tempo 5 % faster", lambda x, rate, _: at_tempo(x, rate, 1.05)),
    "slower": Degradation("tempo 5 % slower", lambda x, rate, _: at_tempo(x, rate, 0.95)),
    "low_pass": Degradation("low-pass at 4 kHz", lambda x, rate, _: low_pass(x, rate)),
    "telephone": Degradation("telephone", lambda x, rate, _: telephone(x, rate)),
}
"""What `robustness=standard` tries, in the order of its tables."""


def _stretched(
    samples: Samples, rate: int, *, semitones: float = 0.0, tempo: float = 1.0
) -> Samples:
    from python_stretch.Signalsmith import Stretch

    stretch = Stretch()
    stretch.preset(1, rate)
    stretch.setTransposeSemitones(semitones)
    stretch.setTimeFactor(tempo)
    channels = np.ascontiguousarray(samples, np.float32)[None]
    stretched: Samples = np.asarray(stretch.process(channels), np.float32)[0]
    return stretched


def _same_length(samples: Samples, length: int) -> Samples:
    """Return samples cut, or filled with silence, to a length."""
    return np.asarray(np.pad(samples[:length], (0, max(0, length - len(samples)))), np.float32)
