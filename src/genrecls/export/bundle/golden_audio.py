"""A sound that everybody may have, and what training makes of it, step by step.

The C++ front end of a bundle is held to it: first the windowed frame, then its spectrum, and so on
up to what the network takes. The sound is music of the generated data set, the same music far too
loud, and silence.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genrecls.datasets.synth import RATE
from genrecls.datasets.synth.rendering import record
from genrecls.datasets.synth.styles import STYLES
from genrecls.dsp.resample import resample
from genrecls.export.bundle.c_tables import (
    FrontEndTables,
    front_end_tables,
    reason_not_to_compute,
)
from genrecls.features.base import FeatureSpec, Inputs
from genrecls.features.mel import Mel
from genrecls.features.mfcc import Mfcc
from genrecls.features.segmentation import SegmentRule

_SECONDS = 15.0
_SEGMENTS = 3
_STYLE = "anvil"
_TOO_LOUD = 20
_FULL_SCALE = 32768


@dataclass(frozen=True, eq=False)
class GoldenStage:
    """What one frame is after one step.

    Attributes:
        name: of the step, as the C++ front end calls it.
        segment, frame: which frame of which segment.
        data: its values; samples are whole numbers as in a WAV file.
    """

    name: str
    segment: int
    frame: int
    data: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class GoldenAudio:
    """A sound and what is computed from it.

    Attributes:
        samples: 16 bits, shape (samples,); whole segments, and a piece that is too short for one.
        rate: samples a second.
        features: of its segments, named arrays, first axis segments.
        stages: of a few frames.
    """

    samples: NDArray[np.int16]
    rate: int
    features: Inputs
    stages: tuple[GoldenStage, ...]

    @property
    def segments(self) -> int:
        """Number of whole segments."""
        return len(next(iter(self.features.values())))

    @property
    def wav(self) -> bytes:
        """The sound as a WAV file."""
        stream = io.BytesIO()
        with wave.open(stream, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.rate)
            file.writeframes(self.samples.astype("<i2").tobytes())
        return stream.getvalue()


def golden_audio(spec: FeatureSpec, segment: SegmentRule) -> GoldenAudio | None:
    """Return the golden audio of a representation; None where no device computes it.

    Args:
        spec: the features.
        segment: how a stream is cut.
    """
    tables = front_end_tables(spec, segment)
    if tables is None or not isinstance(spec, Mel | Mfcc) or reason_not_to_compute(spec):
        return None
    # Long segments are few, so that the file stays small.
    count = int(max(1, min(_SEGMENTS, _SECONDS * spec.sample_rate // tables.stride)))
    whole = (count - 1) * tables.stride + tables.samples
    samples = _sound(spec.sample_rate, whole + tables.stride // 10)

    # As training sees it: every segment by itself, with what a device puts around it.
    padded = np.asarray(np.pad(samples, (tables.lead, 0)) / _FULL_SCALE, np.float32)
    windows = np.stack([padded[i * tables.stride :][: tables.samples] for i in range(count)])
    alone = replace(spec, center=False) if tables.continuous else spec
    stages = _stages(alone, tables, windows)
    return GoldenAudio(samples, spec.sample_rate, alone.transform(windows), stages)


def _sound(rate: int, length: int) -> NDArray[np.int16]:
    """Return music, the same far too loud and clipped, and silence: 4, 2 and 3 of 9 parts."""
    seconds = -(-length // rate)
    band, track = np.random.SeedSequence(0), np.random.SeedSequence(1)
    music = record(STYLES[_STYLE], seconds * RATE, band, track)
    heard = resample(music.astype(np.float32), RATE, rate)[:length]
    heard[4 * length // 9 :] *= _TOO_LOUD
    heard[6 * length // 9 :] = 0
    return np.asarray(np.clip(np.rint(heard), -_FULL_SCALE, _FULL_SCALE - 1), np.int16)


def _stages(
    spec: Mel | Mfcc, tables: FrontEndTables, windows: NDArray[np.float32]
) -> tuple[GoldenStage, ...]:
    """Return the steps of the first and a middle frame, and of one that is clipped."""
    front, last = spec.front_end, len(windows) - 1
    # Decibels as they are before the loudest of the segment is known.
    bands = replace(front, n_mfcc=None, top_db=None, ref=1.0 if front.ref == "max" else front.ref)
    values = bands.transform(windows)
    finished = front.transform(windows)
    places = {(0, 0), (0, tables.frames // 2), (min(1, last), tables.frames // 2)}
    stages = []
    for segment, frame in sorted(places):
        padded = np.pad(windows[segment], tables.padding)
        windowed = padded[frame * spec.hop_length :][: spec.n_fft] * front.window_samples
        spectrum = np.abs(front.kernels.rfft(windowed.copy())) ** front.power
        steps = {
            "kWindow": windowed * _FULL_SCALE,
            "kSpectrum": spectrum,
            "kBands": front.filters @ spectrum,
            "kValues": values[segment, frame],
        }
        if tables.cosine is not None:
            steps["kCoefficients"] = finished[segment, frame]
        stages += [
            GoldenStage(name, segment, frame, np.asarray(data, np.float32))
            for name, data in steps.items()
        ]
    return tuple(stages)
