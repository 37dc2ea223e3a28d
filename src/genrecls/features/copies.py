"""Distorted copies of tracks, extracted and kept like the tracks themselves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from genrecls.features.audio_augmentation import AudioAugmentSettings, Distortion
from genrecls.features.base import Samples
from genrecls.rng import stream_seed

_LIBRARIES = ("audiomentations", "python-stretch")


@dataclass(frozen=True)
class DistortedCopy:
    """One of the copies of every training track.

    Attributes:
        seed: run seed.
        number: which copy, from 0.
    """

    settings: AudioAugmentSettings
    seed: int
    number: int

    def apply(self, segments: Samples, rate: float, file_digest: str) -> Samples:
        """Return `segments` (segments, samples) of the file with this digest, distorted."""
        seed = stream_seed(self.seed, "audio copies", self.number, int(file_digest[:7], 16))
        return Distortion(self.settings, rate).apply(segments, seed)

    def described(self) -> dict[str, Any]:
        """Return all that decides a copy of a given file, as JSON values."""
        made = {name: value for name, value in asdict(self.settings).items() if name != "copies"}
        versions = {name: metadata.version(name) for name in _LIBRARIES}
        return {"copy": {**made, "seed": self.seed, "number": self.number, "libraries": versions}}
