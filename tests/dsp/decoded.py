"""A whole sound file at its own rate, as tests compare it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.datasets.verify import SignalFacts
from genrecls.dsp.audio import AudioFile
from genrecls.dsp.audio_limits import AudioLimits


@dataclass(frozen=True, eq=False)
class Decoded:
    """Mono samples with the facts of their file."""

    samples: NDArray[np.float32]
    rate: int
    channels: int
    peak: float
    container: str

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.samples) / self.rate

    def digest(self) -> str:
        """Digest of the sound."""
        signal = SignalFacts(self.rate)
        signal.add(self.samples)
        return signal.digest


def decode(path: Path, limits: AudioLimits) -> Decoded:
    """Return a whole file at its own rate."""
    sound = AudioFile(path, limits)
    samples = np.concatenate(list(sound.blocks()))
    return Decoded(samples, sound.rate, sound.channels, sound.peak, sound.container)
