"""Sound that is still arriving: a WAV file that grows, or a WAV or raw samples in a pipe."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.audio import mix_down
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.dsp.content import HEAD_BYTES, kind_of, kind_of_stream
from genrecls.dsp.layout import UNKNOWN_LENGTH, sound_end
from genrecls.dsp.mpeg import LONGEST_RUN, begins_mpeg
from genrecls.errors import DataError
from genrecls.runtime.sample_formats import WIDTHS, Coding

# What a WAV header calls them: format code (1 whole numbers, 3 floats) and bits.
_WAV_CODINGS: dict[tuple[int, int], Coding] = {
    (1, 16): "s16le",
    (1, 24): "s24le",
    (1, 32): "s32le",
    (3, 32): "f32le",
}

# The format code that says: the real one stands further on in the same chunk.
_EXTENSIBLE = 0xFFFE

# Headers are written at once; what has not become one after so many bytes is something else.
_MAX_HEADER = 1 << 20

_BLOCK_SECONDS = 1.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class SampleFormat:
    """How samples are stored.

    Attributes:
        rate: sample rate in Hz.
        channels: channels, interleaved.
        coding: their type.
        padded: whether samples of 24 bits are the lower three of four bytes, as `arecord -f S24_LE`
            writes them.
    """

    rate: int
    channels: int
    coding: Coding
    padded: bool = False

    def __post_init__(self) -> None:
        limits = AudioLimits()
        if not limits.min_rate <= self.rate <= limits.max_rate:
            raise DataError(
                f"expected {limits.min_rate} to {limits.max_rate} Hz, received {self.rate} Hz"
            )
        if not 1 <= self.channels <= limits.max_channels:
            raise DataError(
                f"expected 1 to {limits.max_channels} channels, received {self.channels}"
            )

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.coding}, {self.rate} Hz, {self.channels} channel(s)"

    @property
    def frame(self) -> int:
        """Bytes of one sample in all channels."""
        return (WIDTHS[self.coding] + self.padded) * self.channels

    @property
    def block(self) -> int:
        """Bytes that are handled at once, whole frames."""
        return max(1, round(self.rate * _BLOCK_SECONDS)) * self.frame

    def mono(self, data: bytes) -> NDArray[np.float32]:
        """Return whole frames as mono samples, 1 is full scale, as a decoder of files does.

        Raises:
            DataError: they are no numbers or far above full scale.
        """
        if self.coding == "f32le":
            values = np.frombuffer(data, "<f4")
        else:
            if self.coding == "s24le":
                stored = np.frombuffer(data, np.uint8).reshape(-1, 3 + self.padded)
                # Nothing but the sign, or nothing at all; else the sample is in other bytes.
                if not np.isin(stored[:, 3:], (0, 255)).all():
                    raise DataError(
                        "expected 24 bits in the lower three of four bytes, received something in "
                        "the fourth; record with -f S32_LE or -f S24_3LE"
                    )
                # Three bytes become the upper ones of four: the sign comes by itself.
                wide = np.zeros((len(stored), 4), np.uint8)
                wide[:, 1:] = stored[:, :3]
                whole = wide.view("<i4")[:, 0]
            else:
                whole = np.frombuffer(data, "<i2" if self.coding == "s16le" else "<i4")
            full_scale = -float(np.iinfo(whole.dtype).min)
            values = whole.astype(np.float32) * np.float32(1 / full_scale)
        samples = values.reshape(-1, self.channels)
        peak = float(np.abs(samples).max(initial=0))
        # Not a number fails every comparison.
        if not peak <= AudioLimits().max_peak:
            raise DataError(
                f"received samples of magnitude {peak:g}, expected up to 1; check the sample "
                f"format ({self.coding}, {self.channels} channels)"
            )
        return mix_down(samples)


@dataclass(frozen=True)
class Gap:
    """Sound that was dropped on purpose, to be back in real time."""

    seconds: float


@dataclass(frozen=True)
class Source:
    """Sound that arrives bit by bit.

    Attributes:
        rate: sample rate in Hz.
        blocks: mono samples, float32, as soon as they are there; where some were dropped, a gap.
    """

    rate: int
    blocks: Iterator[NDArray[np.float32] | Gap]


def piped_samples(
    stream: BinaryIO, form: SampleFormat, said: Collection[str] = ()
) -> tuple[Source, bool]:
    """Return what comes through a pipe, up to its end; a last broken frame is left out.

    Args:
        stream: raw samples, or a WAV.
        form: how raw samples are stored.
        said: names of the fields of `form` that the user chose, which a WAV must not contradict.

    Returns:
        The sound, and whether it says itself how it is stored.

    Raises:
        DataError: it is neither samples nor a WAV, or a WAV that is stored otherwise than said.
    """
    pipe = _Pipe(stream)
    left = None
    described = _begins_wav(pipe.peek(12))
    if described:
        header = _wav_header(pipe, "--live -")
        if header is None:
            raise DataError("--live -: the header of a WAV, and then no samples")
        found, size = header
        for name in said:
            if (wanted := getattr(form, name)) != (there := getattr(found, name)):
                option = f"--{name.replace('_', '-')}".replace("coding", "sample-format")
                raise DataError(
                    f"--live -: received a WAV whose header says {there}, expected {wanted} "
                    f"({option}); leave {option} out"
                )
        form, left = found, None if size == 0 or size >= UNKNOWN_LENGTH else size
    # Only what may be MPEG audio needs so many bytes, which may take a while.
    elif kind := kind_of_stream(pipe.peek(LONGEST_RUN if pipe.peek(1) == b"\xff" else HEAD_BYTES)):
        raise DataError(
            f"--live -: expected raw samples or a WAV, received {kind}; decode it with: "
            "ffmpeg -i - -f wav - | ... --live -"
        )

    def blocks() -> Iterator[NDArray[np.float32]]:
        nonlocal left
        buffer = b""
        while data := pipe.some(form.block if left is None else min(left, form.block)):
            left = None if left is None else left - len(data)
            buffer += data
            whole = len(buffer) - len(buffer) % form.frame
            if whole:
                yield form.mono(buffer[:whole])
                buffer = buffer[whole:]

    return Source(form.rate, blocks()), described


class _Pipe:
    """A stream whose first bytes are looked at before they are taken."""

    def __init__(self, stream: BinaryIO) -> None:
        # One read returns what has arrived, however little; `read` would wait for all of it.
        self._more = getattr(stream, "read1", stream.read)
        self._buffer = b""

    def peek(self, count: int) -> bytes:
        """Return the next bytes and leave them; fewer where it ends."""
        while len(self._buffer) < count and (data := self._more(count)):
            self._buffer += data
        return self._buffer[:count]

    def read(self, count: int) -> bytes:
        """Take so many bytes; fewer where it ends."""
        found = self.peek(count)
        self._buffer = self._buffer[count:]
        return found

    def some(self, count: int) -> bytes:
        """Take what has arrived, at most so many bytes; none where it ended."""
        if not self._buffer:
            self._buffer = self._more(count) if count else b""
        return self.read(min(count, len(self._buffer)))


def growing_wav(path: Path, wait: float) -> Source:
    """Return what a WAV file holds and what is still appended to it.

    Args:
        path: the file; it may come into being a little later.
        wait: the end has come when nothing was added for so many seconds.

    Raises:
        DataError: there is no such file or it holds something else.
    """
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: expected a WAV file; samples of a pipe are read with --live -")
    began = time.monotonic()
    while (header := _header(path) if path.exists() else None) is None:
        if time.monotonic() - began >= wait:
            reason = "no WAV header in it" if path.exists() else "no such file"
            raise DataError(f"{path}: {reason} after {wait:g} s; start the recording first")
        time.sleep(_POLL_SECONDS)
    form, start = header

    def blocks() -> Iterator[NDArray[np.float32]]:
        position, last_growth = start, time.monotonic()
        with path.open("rb") as file:
            while True:
                available = sound_end(file, start, file.seek(0, 2)) - position
                count = min(available - available % form.frame, form.block)
                if count > 0:
                    file.seek(position)
                    yield form.mono(file.read(count))
                    position, last_growth = position + count, time.monotonic()
                elif time.monotonic() - last_growth >= wait:
                    return
                else:
                    time.sleep(_POLL_SECONDS)

    return Source(form.rate, blocks())


def _header(path: Path) -> tuple[SampleFormat, int] | None:
    """Return how samples are stored and at which byte they begin, or None where that is to come."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if len(head) < 12:
            return None
        if not _begins_wav(head):
            kind = "an MP3 file" if begins_mpeg(head) else kind_of(head)[0]
            found = f", found {kind}" if kind else ""
            raise DataError(
                f"{path}: expected a WAV file{found}; decode others with: "
                "ffmpeg -i FILE -f wav - | ... --live -"
            )
        file.seek(0)
        header = _wav_header(file, str(path))
        return None if header is None else (header[0], file.tell())


def _begins_wav(head: bytes) -> bool:
    return head[:4] in {b"RIFF", b"RF64"} and head[8:12] == b"WAVE"


def _wav_header(file: BinaryIO | _Pipe, name: str) -> tuple[SampleFormat, int] | None:
    """Read a WAV up to its samples; return how they are stored and how many bytes they announce.

    Returns:
        None where the header is not all there.
    """
    file.read(12)
    form, position = None, 12
    while len(chunk := file.read(8)) == 8 and position < _MAX_HEADER:
        size = int.from_bytes(chunk[4:], "little")
        if chunk[:4] == b"data":
            return None if form is None else (form, size)
        position += 8 + size + size % 2
        content = file.read(min(size + size % 2, _MAX_HEADER))
        if chunk[:4] == b"fmt ":
            form = _sample_format(name, content)
    return None


def _sample_format(name: str, chunk: bytes) -> SampleFormat | None:
    """Return what the `fmt ` chunk says, or None where it is cut off."""
    if len(chunk) < 16:
        return None
    code, channels, rate, frame, bits = (
        int.from_bytes(chunk[a:b], "little")
        for a, b in ((0, 2), (2, 4), (4, 8), (12, 14), (14, 16))
    )
    if code == _EXTENSIBLE:
        code = int.from_bytes(chunk[24:26], "little")
    coding = _WAV_CODINGS.get((code, bits))
    if coding is None:
        raise DataError(
            f"{name}: expected PCM of 16, 24 or 32 bits or floats of 32, received format {code} "
            f"of {bits} bits"
        )
    for padded in (False, coding == "s24le"):
        form = SampleFormat(rate, channels, coding, padded)
        if form.frame == frame:
            return form
    raise DataError(
        f"{name}: expected {WIDTHS[coding] * channels} bytes (block align) for {bits} bits in "
        f"{channels} channel(s), received {frame}; record with -f S16_LE, S24_3LE or S32_LE"
    )
