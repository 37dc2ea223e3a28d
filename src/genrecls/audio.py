"""Audio files in, trustworthy mono samples out: decode, mix down, resample, accept or reject."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.config.schema import Schema
from genrecls.errors import DataError

SUFFIXES = (".wav", ".au", ".flac", ".mp3", ".ogg")


@dataclass(frozen=True)
class AudioLimits(Schema):
    """What a plausible file is; a data set narrows it to what its own files are."""

    min_seconds: float = 0.1
    max_seconds: float = 4 * 3600.0
    min_rate: int = 4_000
    max_rate: int = 384_000
    max_channels: int = 8
    max_peak: float = 8.0


class AudioRejected(DataError):
    """A file that may not be used, with the reason as a code."""

    def __init__(self, path: Path, code: str, detail: str) -> None:
        super().__init__(f"{path}: {code}: {detail}")
        self.path = path
        self.code = code
        self.detail = detail


def read(path: Path, sample_rate: int, limits: AudioLimits) -> NDArray[np.float32]:
    """Return the whole file as mono samples at `sample_rate`."""
    raise NotImplementedError
