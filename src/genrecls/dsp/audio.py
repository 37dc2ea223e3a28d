"""Audio files in, trustworthy mono samples out: decode, mix down, resample, accept or reject.

Decoders forgive too much: a file cut in half, a header with a rate of 1 Hz or samples that are not
numbers all come back without an error. So every file passes the same short list of checks, and
what fails one is rejected with a code from `REASONS`. Damage *inside* the samples of an
uncompressed file cannot be seen here; only a recorded checksum can tell.

Samples come block by block, so that memory does not grow with what a file holds or claims to hold.
"""

from __future__ import annotations

import math
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.audio_limits import AudioLimits, AudioRejected
from genrecls.dsp.content import HEAD_BYTES, demuxer_of, describe, kind_of
from genrecls.dsp.ffmpeg import MISSING, FfmpegSound, installed
from genrecls.dsp.layout import MAX_SECTIONS, Layout, Section, SectionFile, layout_of
from genrecls.dsp.mpeg import frame_bytes
from genrecls.dsp.resample import stream_resampler

if TYPE_CHECKING:
    import soundfile

READING_REVISION = 2
"""Part of the key of cached features: to be raised when `read` returns other samples than before,
which the mixdown, `dsp.resample` and the checks decide."""

# 16 MiB of float32 at a time: one step for a clip of minutes, and memory grows only with what a
# file really delivers, whatever its header announces.
_BLOCK_SAMPLES = 4 * 1024 * 1024

SILENCE = 2.0**-15
"""The smallest step of a 16-bit file. Below it lies only what rounding leaves of two channels that
cancel each other."""

# What one file may hold in all its channels: four hours of eight channels at 48 kHz.
_MAX_VALUES = 4 * 3600 * 48_000 * 8

# What is kept of one file as a whole: four hours at 48 kHz, 2.6 GiB.
_MAX_WHOLE = 4 * 3600 * 48_000

# What helps where something is missing, and where nothing else can.
_CUT = "fetch it again, or make a file of what there is: ffmpeg -i FILE NEW.flac"

# What libsndfile says where it has nothing to say, or something that is not so.
_EMPTY_WORDS = (
    "Format not recognised",
    "Unspecified internal error",
    "Internal psf_fseek",
    "File does not exist",
    "unknown error",
    "System error",
)


@dataclass(frozen=True)
class _Opened:
    """A decoder, and what is known of how much it will deliver.

    Attributes:
        sound: a `soundfile.SoundFile`, or what acts as one.
        expected: samples of each channel that are to come; None where nothing says it.
        slack: so many may be fewer.
    """

    sound: Any
    expected: int | None
    slack: int


class AudioFile:
    """A file whose header passed its checks; its samples follow block by block.

    Attributes:
        rate: the file's own sample rate in Hz.
        channels: number of channels before the mixdown.
        container: format found inside the file, whatever its name says: `WAV`, `AU`, `MP3`...
        peak: largest magnitude in any channel of what was read so far.

    Args:
        path: a sound file; its content decides on the format, not its name.
        limits: what is plausible for this file.

    Raises:
        AudioRejected: the file cannot be trusted; carries a code from `REASONS`.
    """

    def __init__(self, path: Path, limits: AudioLimits) -> None:
        self.path, self.limits = path, limits
        self.peak = 0.0
        with _rejecting(path):
            self._layout = _layout(path)
            sections = self._layout.sections
            if len(sections) > MAX_SECTIONS:
                detail = f"expected one sound, found more than {MAX_SECTIONS} behind one another"
                raise AudioRejected(path, "unreadable", detail)
            self._sections = sections or (None,)
            with self._opened(self._sections[0]) as opened:
                sound = opened.sound
                self.rate, self.channels = sound.samplerate, sound.channels
                self.container = sound.format
                frames = opened.expected if len(self._sections) == 1 else None
            # The decoder takes anything called .au for bare telephone samples.
            if self.container == "RAW":
                raise AudioRejected(path, "unreadable", _about(path, ""))
            reason = self._reason_to_reject(frames)
            if reason is not None:
                raise AudioRejected(path, *reason)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the mono samples at the file's own rate, 1 is full scale.

        Raises:
            AudioRejected: what was read so far cannot be trusted, or the whole cannot: only at its
                end a file turns out to be cut or silent.
        """
        with _rejecting(self.path):
            loudest, count = 0.0, 0
            for block in self._decoded():
                mono = mix_down(block)
                loudest = max(loudest, float(mono.max()), -float(mono.min()))
                count += len(mono)
                self._check_length(count)
                yield mono
            if not count:
                raise AudioRejected(self.path, "empty", "no samples are in it; fetch it again")
            if count < self.limits.min_seconds * self.rate:
                detail = f"expected at least {self.limits.min_seconds:g} s, found "
                detail += f"{apart(count / self.rate, self.limits.min_seconds, 3)} s"
                raise AudioRejected(self.path, "short", detail)
            if loudest < SILENCE:
                detail = "every sample is zero"
                if self.peak >= SILENCE:
                    detail = "the channels cancel each other (opposite phase, peak "
                    detail += f"{self.peak:.2g}); use one of them"
                raise AudioRejected(self.path, "silent", detail)

    def resampled(self, sample_rate: int) -> Iterator[NDArray[np.float32]]:
        """Yield the mono samples at a rate in Hz; all blocks together are what `read` returns.

        Raises:
            AudioRejected: as `blocks`.
        """
        stream, count = stream_resampler(self.rate, sample_rate), 0
        with _rejecting(self.path):
            for block in self.blocks():
                made = stream.push(block)
                count += len(made)
                if len(made):
                    yield made
            made = stream.finish()
            if len(made):
                yield made
            if not count + len(made):
                detail = f"nothing is left of it at {sample_rate} Hz"
                raise AudioRejected(self.path, "short", detail)

    def _decoded(self) -> Iterator[NDArray[np.float32]]:
        """Yield blocks (samples, channels) of all sections, checked."""
        for section in self._sections:
            with self._opened(section) as opened:
                sound, expected, delivered = opened.sound, opened.expected, 0
                if sound.samplerate != self.rate:
                    detail = (
                        f"it holds sounds of different rates behind one another, {self.rate} and "
                        f"{sound.samplerate} Hz; split it or convert it to one rate"
                    )
                    raise AudioRejected(self.path, "rate", detail)
                while delivered < sound.frames:
                    block = sound.read(
                        _BLOCK_SAMPLES // sound.channels, dtype="float32", always_2d=True
                    )
                    if not len(block):
                        break
                    self._check_values(block)
                    delivered += len(block)
                    yield block
                if isinstance(sound, FfmpegSound) and sound.failure is not None:
                    code, detail = sound.failure
                    advice = f"; {_CUT}" if code == "length-mismatch" else ""
                    raise AudioRejected(self.path, code, f"{detail}{advice}")
                if expected is not None and delivered + opened.slack < expected:
                    detail = f"expected {expected} frames as announced, found {delivered}"
                    raise AudioRejected(self.path, "length-mismatch", f"{detail}; {_CUT}")

    @contextmanager
    def _opened(self, section: Section | None) -> Iterator[_Opened]:
        """Open a section of the file, or the file as it is, with the decoder for it."""
        demuxer = self._layout.demuxer
        if demuxer is None:
            with _decoder(self.path, section) as sound:
                slack = self._layout.slack if section is None else section.slack
                yield _Opened(sound, _expected(sound, section), slack)
            return
        with self.path.open("rb") as file, FfmpegSound(file, demuxer) as foreign:
            yield _Opened(foreign, foreign.announced, foreign.slack)

    def _reason_to_reject(self, frames: int | None) -> tuple[str, str] | None:
        """Return code and detail of what makes a header implausible; None where nothing does.

        Args:
            frames: as announced or counted; None where that is not known yet.
        """
        limits, missing = self.limits, self._layout.missing
        least, most = limits.min_seconds, limits.max_seconds
        # What is not known is checked when it has been read.
        seconds = None if frames is None else frames / max(1, self.rate)
        checks = (
            (
                limits.min_rate <= self.rate <= limits.max_rate,
                "rate",
                f"expected {limits.min_rate} to {limits.max_rate} Hz, found {self.rate}",
            ),
            (
                1 <= self.channels <= limits.max_channels,
                "channels",
                f"expected at most {limits.max_channels} channels, found {self.channels}",
            ),
            (
                frames != 0,
                "empty",
                "the header announces no samples and none follow; fetch it again",
            ),
            (
                missing <= 0,
                "length-mismatch",
                f"the header announces {missing} bytes more than there are; {_CUT}",
            ),
            (
                seconds is None or seconds >= least,
                "short",
                f"expected at least {least:g} s, found {apart(seconds or 0, least, 3)} s",
            ),
            (
                seconds is None or seconds <= most,
                "long",
                f"expected at most {most:g} s, it announces {apart(seconds or 0, most, 0)} s",
            ),
            (
                frames is None or frames * self.channels <= _MAX_VALUES,
                "long",
                _too_many_values(self.rate, self.channels),
            ),
        )
        return next(((code, detail) for passed, code, detail in checks if not passed), None)

    def _check_values(self, block: NDArray[np.float32]) -> None:
        with np.errstate(invalid="ignore"):
            low, high = float(block.min()), float(block.max())
        # NaN wins every minimum, infinity one of the two: no pass over all samples is needed.
        if not (math.isfinite(low) and math.isfinite(high)):
            raise AudioRejected(self.path, "non-finite", "expected numbers, found NaN or infinity")
        self.peak = max(self.peak, high, -low)
        if self.peak > self.limits.max_peak:
            most = self.limits.max_peak
            detail = f"expected magnitudes up to {most:g}, found {apart(self.peak, most, 6, 'g')}"
            raise AudioRejected(self.path, "amplitude", detail)

    def _check_length(self, frames: int) -> None:
        """Refuse what goes on and on, whatever its header said."""
        if frames > self.limits.max_seconds * self.rate:
            detail = f"expected at most {self.limits.max_seconds:g} s, found more"
            raise AudioRejected(self.path, "long", detail)
        if frames * self.channels > _MAX_VALUES:
            raise AudioRejected(self.path, "long", _too_many_values(self.rate, self.channels))


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
    with _rejecting(path):
        blocks, count = list[NDArray[np.float32]](), 0
        for block in AudioFile(path, limits).resampled(sample_rate):
            blocks.append(block)
            count += len(block)
            if count > _MAX_WHOLE:
                detail = (
                    f"expected at most {_MAX_WHOLE / sample_rate / 3600:.2g} hours at "
                    f"{sample_rate} Hz, found more; cut it into pieces"
                )
                raise AudioRejected(path, "long", detail)
        if len(blocks) == 1:
            return blocks[0]
        # From the end on, each block is let go when it has been copied: nothing is held twice.
        whole, end = np.empty(count, np.float32), count
        while blocks:
            block = blocks.pop()
            whole[end - len(block) : end] = block
            end -= len(block)
        return whole


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
    """Turn what opening, decoding and resampling raise into an `AudioRejected`."""
    import soundfile

    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        target = f"; it is a link to {path.readlink()}" if path.is_symlink() else ""
        raise AudioRejected(path, "missing", f"expected a sound file here{target}") from None
    except (OSError, UnicodeError) as error:
        raise AudioRejected(path, "unreadable", getattr(error, "strerror", str(error))) from error
    except soundfile.SoundFileError as error:
        words = getattr(error, "error_string", str(error)).strip().rstrip(".")
        raise AudioRejected(path, "unreadable", _about(path, words)) from error
    except MemoryError as error:
        raise AudioRejected(path, "long", "it does not fit into memory") from error


def _about(path: Path, words: str) -> str:
    """Return what a file is that the decoder does not take, and what the decoder says."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    kind, decoded = kind_of(head)
    if kind is None and frame_bytes(head[:4]):
        kind, decoded = "an MP3 file", True
    if demuxer_of(head) is not None:
        return f"it is {kind}; {MISSING}"
    if not decoded:
        return describe(head)
    reason = "" if any(empty in words for empty in _EMPTY_WORDS) else f" ('{words}')"
    return (
        f"it is {kind} that the decoder cannot read{reason}: damaged, or of a rare codec; fetch it "
        "again"
    )


def _layout(path: Path) -> Layout:
    """Return how a file is to be read.

    Raises:
        AudioRejected: it is no file, has no bytes, or fewer than its header announces.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise AudioRejected(path, "unreadable", "expected a sound file, found a folder")
    # Opening a named pipe would wait for a writer, perhaps for ever.
    if not stat.S_ISREG(status.st_mode):
        detail = "expected a sound file, found a pipe or a device; write it to a file first"
        raise AudioRejected(path, "unreadable", detail)
    if status.st_size == 0:
        raise AudioRejected(path, "empty", "the file has no bytes; fetch or extract it again")
    with path.open("rb") as file:
        layout = layout_of(file)
    if layout.demuxer is not None and not installed():
        raise AudioRejected(path, "unreadable", _about(path, ""))
    return layout


@contextmanager
def _decoder(path: Path, section: Section | None) -> Iterator[soundfile.SoundFile]:
    """Open a section of a file, or the file as it is."""
    import soundfile

    if section is None:
        # Not all names are text in the encoding of the locale, but all are bytes.
        name = str(path) if sys.platform == "win32" else os.fsencode(path)
        with soundfile.SoundFile(name) as sound:
            yield sound
        return
    with SectionFile(path, section) as file:
        with soundfile.SoundFile(file) as sound:
            if section.endless:
                # After each block soundfile seeks to where it is, which an unknown end forbids.
                sound.seekable = lambda: False
            yield sound
        if file.error is not None:
            raise file.error


def apart(value: float, limit: float, digits: int, style: str = "f") -> str:
    """Return a number as it stands in a message beside its limit (`:g`), and differs from it.

    Args:
        value: the number.
        limit: what it was compared with.
        digits: so many, or as many more as are needed.
        style: `f` counts digits behind the point, `g` all that count.
    """
    shown = float(f"{limit:g}")
    texts = (f"{value:.{count}{style}}" for count in range(digits, 18))
    return next((text for text in texts if float(text) not in {limit, shown}), repr(value))


def _too_many_values(rate: int, channels: int) -> str:
    hours = _MAX_VALUES / max(1, rate * channels) / 3600
    return f"expected at most {hours:.2g} hours of {channels} channels at {rate} Hz; cut it"


def _expected(sound: soundfile.SoundFile, section: Section | None) -> int | None:
    """Return how many samples of each channel are to come; None where nothing says it."""
    if section is None:
        return int(sound.frames)
    if section.endless:
        return None
    return int(sound.frames) if section.samples is None else section.samples
