"""Which audio files are accepted: their names, what is plausible, and why one is rejected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genrecls.dsp.ffmpeg import SUFFIXES as FFMPEG_SUFFIXES
from genrecls.dsp.ffmpeg import installed
from genrecls.errors import DataError

SUFFIXES = (
    *(".wav", ".au", ".flac", ".mp3", ".ogg"),
    *(".opus", ".oga", ".aif", ".aiff", ".aifc", ".mp2", ".caf", ".w64", ".snd"),
)
"""Names of audio files, all of which libsndfile reads; of equal names the first suffix wins."""


def readable_suffixes() -> tuple[str, ...]:
    """Return the names of audio files that are read here: more where PyAV is installed."""
    return (*SUFFIXES, *FFMPEG_SUFFIXES) if installed() else SUFFIXES


REASONS: dict[str, str] = {
    "missing": "there is no such file, or it is a link that leads nowhere",
    "unreadable": "it is not a sound file, its header is broken, or it may not be opened",
    "empty": "it holds no samples at all",
    "short": "it is shorter than any file of this data set should be",
    "no-segment": "it is too short for one segment, as segments are set",
    "long": "it is, or claims to be, longer than any file should be, or does not fit into memory",
    "rate": "its sample rate is outside the plausible range, or changes inside the file",
    "channels": "it has more channels than is plausible, or their number changes inside the file",
    "length-mismatch": "it holds fewer samples than its header announces: it was cut or damaged",
    "non-finite": "some samples are infinite or not numbers",
    "silent": "every sample is zero, as stored or after mixing the channels down",
    "amplitude": "its samples are far above full scale, as decoders make them of damaged data",
}


# Not a `Schema`, for a device has no configuration; as a part of one it is just as strict.
@dataclass(frozen=True)
class AudioLimits:
    """What a plausible file is; a data set narrows it to what its own files are.

    Attributes:
        min_seconds: shortest accepted length.
        max_seconds: longest accepted length.
        min_rate: lowest accepted sample rate in Hz.
        max_rate: highest accepted sample rate in Hz.
        max_channels: largest accepted number of channels.
        max_peak: largest accepted magnitude; 1 is full scale, decoded MP3 may reach 1.5.
    """

    min_seconds: float = 0.1
    max_seconds: float = 4 * 3600.0
    min_rate: int = 4_000
    max_rate: int = 384_000
    max_channels: int = 8
    max_peak: float = 8.0


class AudioRejected(DataError):
    """A file that may not be used.

    Attributes:
        path: the file.
        code: a key of `REASONS`.
        detail: one line: what was expected of this file and what it is.
    """

    def __init__(self, path: Path, code: str, detail: str) -> None:
        super().__init__(f"{path}: {code}: {detail}")
        self.path = path
        self.code = code
        self.detail = detail

    # An exception is pickled by its message alone, which is not how this one is made.
    def __reduce__(self) -> tuple[type[AudioRejected], tuple[Path, str, str]]:
        return type(self), (self.path, self.code, self.detail)
