"""Audio files in, trustworthy mono samples out: decode, mix down, resample, accept or reject.

Decoders forgive too much: a file cut in half, a header with a rate of 1 Hz or samples that are not
numbers all come back without an error. So every file passes the same short list of checks, and
what fails one is rejected with a code from `REASONS`. Damage *inside* the samples of an
uncompressed file cannot be seen here; only a recorded checksum can tell.
"""

from __future__ import annotations

import math
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.resample import resample
from genrecls.errors import DataError

if TYPE_CHECKING:
    import soundfile

SUFFIXES = (
    *(".wav", ".au", ".flac", ".mp3", ".ogg"),
    *(".opus", ".oga", ".aif", ".aiff", ".aifc", ".mp2", ".caf", ".w64", ".snd"),
)
"""Names of audio files, all of which libsndfile reads; of equal names the first suffix wins."""

REASONS: dict[str, str] = {
    "missing": "there is no such file, or it is a link that leads nowhere",
    "unreadable": "it is not a sound file, its header is broken, or it may not be opened",
    "empty": "it holds no samples at all",
    "short": "it is shorter than any file of this data set should be",
    "long": "it is, or claims to be, longer than any file of this data set should be",
    "rate": "its sample rate is outside the plausible range",
    "channels": "it has more channels than is plausible",
    "length-mismatch": "it holds fewer samples than its header announces: it was cut or damaged",
    "non-finite": "some samples are infinite or not numbers",
    "silent": "every sample is zero, as stored or after mixing the channels down",
    "amplitude": "its samples are far above full scale, as decoders make them of damaged data",
}

READING_REVISION = 1
"""Part of the key of cached features: to be raised when `read` returns other samples than before,
which the mixdown, `dsp.resample` and the checks decide."""

# 16 MiB of float32 at a time: one step for a clip of minutes, and memory grows only with what a
# file really delivers, whatever its header announces.
_BLOCK_SAMPLES = 4 * 1024 * 1024

# The smallest step of a 16-bit file. Below it lies only what rounding leaves of two channels that
# cancel each other.
_SILENCE = 2.0**-15

# Programs that write to a pipe cannot know the length and put one of the largest numbers there.
_UNKNOWN_LENGTH = 0x7FFF_0000


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


@dataclass(frozen=True, eq=False)
class AudioClip:
    """An accepted file as it was stored, apart from being mixed down.

    Attributes:
        samples: mono samples at the file's own rate, shape `(frames,)`, float32, 1 is full scale.
        rate: the file's own sample rate in Hz.
        channels: number of channels before the mixdown.
        peak: largest magnitude in any channel.
        container: format found inside the file, whatever its name says: `WAV`, `AU`, `MP3`...
    """

    samples: NDArray[np.float32]
    rate: int
    channels: int
    peak: float
    container: str

    @property
    def seconds(self) -> float:
        """Length of the sound in seconds."""
        return len(self.samples) / self.rate

    def digest(self) -> str:
        """Return 32 hexadecimal digits that two files share only if they sound the same."""
        return blake2b(self.samples.tobytes(), digest_size=16, salt=b"%d" % self.rate).hexdigest()


def read(path: Path, sample_rate: int, limits: AudioLimits) -> NDArray[np.float32]:
    """Return the whole file as mono samples at `sample_rate`.

    Args:
        path: a sound file; its content decides on the format, not its name.
        sample_rate: wanted rate in Hz.
        limits: what is plausible for this file.

    Returns:
        float32 samples, shape `(round(seconds * sample_rate),)`, all finite. They are not scaled:
        the peak is that of the file.

    Raises:
        AudioRejected: the file cannot be trusted; carries a code from `REASONS`.
    """
    decoded = decode(path, limits)
    if decoded.rate == sample_rate:
        return decoded.samples
    samples = resample(decoded.samples, decoded.rate, sample_rate)
    if not len(samples):
        raise AudioRejected(path, "short", f"nothing is left of it at {sample_rate} Hz")
    return samples


def decode(path: Path, limits: AudioLimits) -> AudioClip:
    """Return the mono samples of a file at its own rate, with facts of its header.

    Raises:
        AudioRejected: the file cannot be trusted; carries a code from `REASONS`.
    """
    import soundfile

    with _rejecting(path):
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise AudioRejected(path, "unreadable", "expected a sound file, found a folder")
        # Opening a named pipe would wait for a writer, perhaps for ever.
        if not stat.S_ISREG(status.st_mode):
            detail = "expected a sound file, found a pipe or a device"
            raise AudioRejected(path, "unreadable", detail)
        if status.st_size == 0:
            raise AudioRejected(path, "empty", "the file has no bytes; fetch or extract it again")
        with path.open("rb") as file:
            missing = _missing_bytes(file)
        with soundfile.SoundFile(str(path)) as sound:
            reason = _reason_to_reject(sound, limits, missing)
            if reason is not None:
                raise AudioRejected(path, *reason)
            samples, peak = _mono(path, sound, limits)
            return AudioClip(samples, sound.samplerate, sound.channels, peak, sound.format)


def mix_down(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the channels of a block (samples, channels), shape (samples,)."""
    if block.shape[1] == 1:
        return block[:, 0]
    # Adding columns is thirty times faster than a mean along the short axis.
    total = block[:, 0] + block[:, 1]
    for column in block.T[2:]:
        total += column
    return total * np.float32(1 / block.shape[1])


@contextmanager
def _rejecting(path: Path) -> Iterator[None]:
    """Turn what opening and decoding raise into an `AudioRejected`."""
    import soundfile

    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        target = f"; it is a link to {path.readlink()}" if path.is_symlink() else ""
        raise AudioRejected(path, "missing", f"expected a sound file here{target}") from None
    except (OSError, UnicodeError) as error:
        raise AudioRejected(path, "unreadable", getattr(error, "strerror", str(error))) from error
    except soundfile.SoundFileError as error:
        reason = getattr(error, "error_string", str(error)).strip().rstrip(".")
        raise AudioRejected(path, "unreadable", f"the decoder says '{reason}'") from error
    except MemoryError as error:
        raise AudioRejected(path, "long", "it does not fit into memory") from error


def _missing_bytes(file: BinaryIO) -> int:
    """Return how many bytes the header of a WAV or AU announces that the file lacks.

    The decoder never says so.
    """
    head = file.read(12)
    start = announced = 0
    if head[:4] == b".snd":
        start, announced = int.from_bytes(head[4:8]), int.from_bytes(head[8:12])
    elif head[:4] == b"RIFF" and head[8:] == b"WAVE":
        # Real headers have a handful of chunks before the sound; noise could have millions.
        for _ in range(100):
            chunk = file.read(8)
            size = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                start, announced = file.tell(), size
                break
            # Chunks are padded to an even length.
            file.seek(size + size % 2, 1)
    return 0 if announced >= _UNKNOWN_LENGTH else start + announced - file.seek(0, 2)


def _reason_to_reject(
    sound: soundfile.SoundFile, limits: AudioLimits, missing: int
) -> tuple[str, str] | None:
    """Return code and detail of what makes a header implausible; None where nothing does."""
    seconds = sound.frames / max(1, sound.samplerate)
    checks = (
        # The decoder takes anything called .au for bare telephone samples.
        (sound.format != "RAW", "unreadable", "expected a sound file, found no known header"),
        (
            limits.min_rate <= sound.samplerate <= limits.max_rate,
            "rate",
            f"expected {limits.min_rate} to {limits.max_rate} Hz, found {sound.samplerate}",
        ),
        (
            1 <= sound.channels <= limits.max_channels,
            "channels",
            f"expected at most {limits.max_channels} channels, found {sound.channels}",
        ),
        (sound.frames > 0, "empty", "the header announces no samples; fetch it again"),
        (
            missing <= 0,
            "length-mismatch",
            f"the header announces {missing} bytes more than there are; fetch it again",
        ),
        (
            seconds >= limits.min_seconds,
            "short",
            f"expected at least {limits.min_seconds:g} s, found {seconds:.3f} s",
        ),
        (
            seconds <= limits.max_seconds,
            "long",
            f"expected at most {limits.max_seconds:g} s, the header announces {seconds:.0f} s",
        ),
    )
    return next(((code, detail) for passed, code, detail in checks if not passed), None)


def _mono(
    path: Path, sound: soundfile.SoundFile, limits: AudioLimits
) -> tuple[NDArray[np.float32], float]:
    """Return the mean of the channels and the largest magnitude in any of them."""
    blocks, peak, delivered = [], 0.0, 0
    while delivered < sound.frames:
        block = sound.read(_BLOCK_SAMPLES // sound.channels, dtype="float32", always_2d=True)
        if not len(block):
            detail = f"expected {sound.frames} frames as announced, found {delivered}"
            raise AudioRejected(path, "length-mismatch", f"{detail}; fetch it again")
        with np.errstate(invalid="ignore"):
            low, high = float(block.min()), float(block.max())
        # NaN wins every minimum, infinity one of the two: no pass over all samples is needed.
        if not (math.isfinite(low) and math.isfinite(high)):
            raise AudioRejected(path, "non-finite", "expected numbers, found NaN or infinity")
        peak = max(peak, high, -low)
        if peak > limits.max_peak:
            detail = f"expected magnitudes up to {limits.max_peak:g}, found {peak:g}"
            raise AudioRejected(path, "amplitude", detail)
        blocks.append(mix_down(block))
        delivered += len(block)
    mono = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    if max(mono.max(), -mono.min()) < _SILENCE:
        detail = "every sample is zero"
        if peak >= _SILENCE:
            detail = "the channels cancel each other (opposite phase, peak "
            detail += f"{peak:.2g}); use one of them"
        raise AudioRejected(path, "silent", detail)
    return mono, peak
