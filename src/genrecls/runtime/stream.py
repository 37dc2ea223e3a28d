"""Sound that is still arriving: a WAV file that grows, or raw samples in a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.audio import AudioLimits, mix_down
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
    """

    rate: int
    channels: int
    coding: Coding

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

    @property
    def frame(self) -> int:
        """Bytes of one sample in all channels."""
        return WIDTHS[self.coding] * self.channels

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
                # Three bytes become the upper ones of four: the sign comes by itself.
                wide = np.zeros((len(data) // 3, 4), np.uint8)
                wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
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
class Source:
    """Sound that arrives bit by bit.

    Attributes:
        rate: sample rate in Hz.
        blocks: mono samples, float32, as soon as they are there.
    """

    rate: int
    blocks: Iterator[NDArray[np.float32]]


def raw_samples(stream: BinaryIO, form: SampleFormat) -> Source:
    """Return what comes through a pipe, up to its end; a last broken frame is left out."""
    # One read returns what has arrived, however little; `read` would wait for all of it.
    read = getattr(stream, "read1", stream.read)

    def blocks() -> Iterator[NDArray[np.float32]]:
        buffer = b""
        while data := read(form.block):
            buffer += data
            whole = len(buffer) - len(buffer) % form.frame
            if whole:
                yield form.mono(buffer[:whole])
                buffer = buffer[whole:]

    return Source(form.rate, blocks())


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
                available = _sound_end(file, start) - position
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
        head = file.read(12)
        if len(head) < 12:
            return None
        if head[:4] not in {b"RIFF", b"RF64"} or head[8:] != b"WAVE":
            raise DataError(
                f"{path}: expected a WAV file; decode others with: ffmpeg -i FILE -f s16le -ac 1 - "
                "| genrecls predict --live - --rate HZ"
            )
        form = None
        while len(chunk := file.read(8)) == 8 and file.tell() < _MAX_HEADER:
            if chunk[:4] == b"data":
                return None if form is None else (form, file.tell())
            size = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"fmt ":
                form = _sample_format(path, file.read(size + size % 2))
            else:
                file.seek(size + size % 2, 1)
        return None


def _sample_format(path: Path, chunk: bytes) -> SampleFormat | None:
    """Return what the `fmt ` chunk says, or None where it is cut off."""
    if len(chunk) < 16:
        return None
    code, channels, rate = (
        int.from_bytes(chunk[a:b], "little") for a, b in ((0, 2), (2, 4), (4, 8))
    )
    bits = int.from_bytes(chunk[14:16], "little")
    if code == _EXTENSIBLE:
        code = int.from_bytes(chunk[24:26], "little")
    coding = _WAV_CODINGS.get((code, bits))
    if coding is None:
        raise DataError(
            f"{path}: expected PCM of 16, 24 or 32 bits or floats of 32, received format {code} "
            f"of {bits} bits"
        )
    return SampleFormat(rate, channels, coding)


def _sound_end(file: BinaryIO, start: int) -> int:
    """Return at which byte the samples end at present.

    While a file grows, the announced size is 0, unknown or out of date. It is right where just what
    belongs behind the samples (titles and the like, in chunks) fills the rest of the file.
    """
    size = file.seek(0, 2)
    file.seek(start - 4)
    end = start + int.from_bytes(file.read(4), "little")
    position = end + end % 2
    while position < size:
        file.seek(position)
        chunk = file.read(8)
        if not (chunk[:4].isascii() and chunk[:4].decode("ascii").isprintable()):
            return size
        length = int.from_bytes(chunk[4:], "little")
        position += 8 + length + length % 2
    # The last chunk may lack the byte that makes its length even.
    return min(end, size) if position - size <= 1 else size
