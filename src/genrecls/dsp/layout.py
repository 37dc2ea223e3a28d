"""Where the sound lies in a file whose header does not say it, or says it wrong.

A decoder reads what the header announces: nothing of a recording that was cut off before its length
was written, the first of two songs that were put into one file, a guess of an MP3 without a table
of contents. What can be known better from the bytes is told to it by a `Section`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Literal

from genrecls.dsp.content import HEAD_BYTES, demuxer_of, kind_of
from genrecls.dsp.mpeg import MAX_FRAME_BYTES, id3_bytes, mpeg_streams

UNKNOWN_LENGTH = 0x7FFF_0000
"""Programs that write to a pipe cannot know the length and put a number there that is as large."""

MAX_SECTIONS = 10_000
"""Songs put into one file, or radio recorded for days; what has more is no music."""

# Some recorders count the header as sound. Whoever cuts a file loses more than this.
_HEADER_BYTES = 128

# Real headers have a handful of chunks before the sound; noise could have millions.
_MAX_CHUNKS = 100
_MAX_HEADER = 1 << 20

# Codecs of a WAV that are MPEG audio: layers I and II, layer III.
_MPEG_CODES = {0x50, 0x55}

# Of MPEG audio may be missing what encoders count differently, and a last frame.
_SLACK_FRAMES = 2

_FLAC_HEAD = 8
_STEP = 1 << 20


@dataclass(frozen=True)
class Section:
    """A stretch of a file that a decoder takes for a file of its own.

    Attributes:
        start, end: bytes of the file.
        head: stands in for as many bytes from `start` on: a header with the right length.
        samples: of each channel, as counted; None where the decoder knows it.
        endless: whether nothing says how long it is; it ends where decoding ends.
        slack: so many samples may be fewer than expected.
    """

    start: int
    end: int
    head: bytes = b""
    samples: int | None = None
    endless: bool = False
    slack: int = 0

    @property
    def claimed(self) -> int:
        """The size in bytes that the decoder is told, from which it guesses a length."""
        if self.samples is None:
            return self.end - self.start
        # A frame has 384 samples or more; a guess that is too long does no harm.
        return (self.samples // 384 + 1) * 2 * MAX_FRAME_BYTES


@dataclass(frozen=True)
class Layout:
    """How a file is to be read.

    Attributes:
        sections: to be decoded one after the other; none where the decoder takes the file as it is.
        missing: so many bytes that the header announces are not there.
        slack: so many samples may be fewer than the header announces.
        demuxer: FFmpeg's name of a container that it has to read; None for libsndfile.
    """

    sections: tuple[Section, ...] = ()
    missing: int = 0
    slack: int = 0
    demuxer: str | None = None


class SectionFile(io.RawIOBase):
    """A section as a file that can be read.

    Attributes:
        error: what kept the file from being read, for a decoder swallows it.
    """

    def __init__(self, path: Path, section: Section) -> None:
        self.error: OSError | None = None
        self._file = path.open("rb")
        self._section = section
        self._position = 0

    def readable(self) -> bool:
        """It is there for that."""
        return True

    def seekable(self) -> bool:
        """Decoders go back and forth."""
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a byte of the section."""
        self._position = (0, self._position, self._section.claimed)[whence] + offset
        return self._position

    def tell(self) -> int:
        """Return the byte of the section that is read next."""
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fill a buffer as far as there is something and return how far."""
        section, position, count = self._section, self._position, len(buffer)
        if position < len(section.head):
            found = section.head[position : position + count]
        elif position >= section.claimed - 128 > section.end - section.start:
            # Decoders look for a tag in the last 128 bytes.
            found = bytes(max(0, min(count, section.claimed - position)))
        else:
            try:
                self._file.seek(section.start + position)
                found = self._file.read(max(0, min(count, section.end - self._file.tell())))
            except OSError as error:
                self.error, found = error, b""
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def layout_of(file: BinaryIO) -> Layout:
    """Return how a file is to be read."""
    size = file.seek(0, 2)
    start, head = 0, _at(file, 0, HEAD_BYTES)
    # What stands behind a tag decides; such tags are written before FLAC as well.
    if tag := id3_bytes(head):
        start, head = tag, _at(file, tag, HEAD_BYTES)
    kind, _ = kind_of(head)
    layout = Layout()
    if head[:4] in {b"RIFF", b"RIFX", b"RF64"} and head[8:12] == b"WAVE":
        layout = _wavs(file, start, size)
    elif head[:4] == b"FORM" and head[8:11] == b"AIF":
        chunks = _chunks(file, start + 12, "big")
        sound = next((chunk for chunk in chunks if chunk.name == b"SSND"), None)
        layout = Layout(missing=_missing(sound.start, sound.size, size) if sound else 0)
    elif head.startswith(b"riff\x2e\x91"):
        layout = _w64(file, start, size)
    elif head.startswith(b".snd"):
        layout = _au(file, start, head, size)
    elif head.startswith(b"fLaC"):
        layout = _flac(file, size)
    elif head.startswith(b"OggS"):
        starts, missing = _ogg_links(file, size)
        sections = tuple(Section(first, last) for first, last in pairwise([*starts, size]))
        layout = Layout(sections if len(sections) > 1 else (), missing)
    elif demuxer := demuxer_of(head):
        layout = Layout(demuxer=demuxer)
    elif kind is None or start or not any(head):
        layout = _mpeg(file, start, size)
    return layout


def sound_end(file: BinaryIO, start: int, size: int) -> int:
    """Return at which byte the samples of a WAV end whose chunk `data` begins at `start`.

    While a file grows, the announced length is 0, unknown or out of date. It is right where just
    what belongs behind the samples (titles and the like, in chunks) fills the rest of the file.
    """
    end = start + int.from_bytes(_at(file, start - 4, 4), "little")
    position = end + end % 2
    for _ in range(_MAX_CHUNKS):
        if position >= size:
            break
        chunk = _at(file, position, 8)
        if not (chunk[:4].isascii() and chunk[:4].decode("ascii").isprintable()):
            return size
        length = int.from_bytes(chunk[4:], "little")
        position += 8 + length + length % 2
    # The last chunk may lack the byte that makes its length even.
    return min(end, size) if position - size <= 1 else size


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    start: int
    size: int


def _chunks(file: BinaryIO, start: int, order: Literal["little", "big"]) -> Iterator[_Chunk]:
    """Yield the chunks of a RIFF or IFF file, from the byte on at which the first one begins."""
    for _ in range(_MAX_CHUNKS):
        head = _at(file, start, 8)
        if len(head) < 8:
            return
        chunk = _Chunk(head[:4], start + 8, int.from_bytes(head[4:], order))
        yield chunk
        # Chunks are padded to an even length.
        start = chunk.start + chunk.size + chunk.size % 2


def _wavs(file: BinaryIO, start: int, end: int) -> Layout:
    sections = list[Section]()
    while True:
        layout, following = _wav(file, start, end)
        if following is None or len(sections) > MAX_SECTIONS:
            break
        sections.append(Section(start, following))
        start = following
    if not sections:
        return layout
    rest = layout.sections or (Section(start, end),)
    return Layout((*sections, *rest), layout.missing, layout.slack)


def _wav(file: BinaryIO, start: int, end: int) -> tuple[Layout, int | None]:
    """Return the layout of a WAV and where another one begins behind it."""
    order: Literal["little", "big"] = "big" if _at(file, start, 4) == b"RIFX" else "little"
    code, sound = _sound_chunk(file, start + 12, order)
    if sound is None:
        return Layout(), None
    first, size = sound.start, sound.size
    if size >= UNKNOWN_LENGTH and _at(file, start, 4) != b"RF64":
        size = end - first
    if code in _MPEG_CODES:
        return _mpeg(file, first, min(first + size, end)), None
    following = first + size + size % 2
    if following < end and _at(file, following, 12)[8:] == b"WAVE":
        return Layout(), following
    # A recording that was cut off before its length was written, or since it was written last; also
    # one beyond 4 GiB, whose length begins at 0 again.
    plain = _at(file, start, 4) == b"RIFF" and first - start <= _MAX_HEADER
    last = sound_end(file, first, end) if plain and 2 * size < end - first else first
    if last - first > 2 * size:
        lengths = {start + 4: last - start - 8, first - 4: last - first}
        return Layout((Section(start, last, _header(file, start, first, lengths, order)),)), None
    return Layout(missing=_missing(first, size, end)), None


def _sound_chunk(
    file: BinaryIO, start: int, order: Literal["little", "big"]
) -> tuple[int, _Chunk | None]:
    """Return the code of the codec and the chunk of the samples of a WAV."""
    code, long_size = 0, 0
    for chunk in _chunks(file, start, order):
        if chunk.name == b"fmt ":
            code = int.from_bytes(_at(file, chunk.start, 2), order)
        elif chunk.name == b"ds64":
            # Of a file beyond 4 GiB.
            long_size = int.from_bytes(_at(file, chunk.start + 8, 8), order)
        elif chunk.name == b"data":
            return code, replace(chunk, size=long_size or chunk.size)
    return code, None


def _w64(file: BinaryIO, start: int, end: int) -> Layout:
    # Names have 16 bytes, sizes 8 and count both; all is padded to 8 bytes.
    position = start + 40
    for _ in range(_MAX_CHUNKS):
        chunk = _at(file, position, 24)
        size = int.from_bytes(chunk[16:], "little")
        if size < 24:
            break
        if chunk[:4] == b"data":
            return Layout(missing=_missing(position, size, end))
        position += -(-size // 8) * 8
    return Layout()


def _au(file: BinaryIO, start: int, head: bytes, end: int) -> Layout:
    first, size = start + int.from_bytes(head[4:8]), int.from_bytes(head[8:12])
    if size == 0 and start + 24 <= first < min(end, start + _MAX_HEADER):
        lengths = {start + 8: end - first}
        return Layout((Section(start, end, _header(file, start, first, lengths, "big")),))
    return Layout(missing=0 if size >= UNKNOWN_LENGTH else _missing(first, size, end))


def _missing(start: int, size: int, end: int) -> int:
    """Return how many bytes are not there of `size` ones from `start` on."""
    missing = start + size - end
    return missing if missing > _HEADER_BYTES else 0


def _header(
    file: BinaryIO, start: int, end: int, lengths: dict[int, int], order: Literal["little", "big"]
) -> bytes:
    """Return the bytes of a header with other lengths, each at its byte of the file."""
    header = bytearray(_at(file, start, end - start))
    for at, length in lengths.items():
        header[at - start : at - start + 4] = min(length, 0xFFFF_FFFF).to_bytes(4, order)
    return bytes(header)


def _mpeg(file: BinaryIO, start: int, end: int) -> Layout:
    streams = mpeg_streams(file, start, end)
    sections = tuple(
        Section(
            stream.start,
            stream.end,
            samples=stream.samples if stream.announced is None else None,
            slack=_SLACK_FRAMES * stream.frame_samples,
        )
        for stream in streams
    )
    if len(streams) == 1 and streams[0].announced is not None and streams[0].start == start:
        return Layout(slack=sections[0].slack)
    return Layout(sections)


def _flac(file: BinaryIO, size: int) -> Layout:
    starts, position = list[int](), 0
    while position < size and len(starts) <= MAX_SECTIONS:
        window = _at(file, position, _STEP + _FLAC_HEAD - 1)
        at = window.find(b"fLaC")
        while at >= 0 and len(starts) <= MAX_SECTIONS:
            # The first block of metadata, perhaps the last one too, has 34 bytes.
            if window[at + 4 : at + 5] in {b"\0", b"\x80"} and window[at + 5 : at + 8] == b'\0\0"':
                starts.append(position + at)
            at = window.find(b"fLaC", at + 1)
        position += _STEP
    # The number of samples has 36 bits; 0 is for streams that cannot know it.
    sections = tuple(
        Section(first, last, endless=not int.from_bytes(_at(file, first + 21, 5)) & 0xF_FFFF_FFFF)
        for first, last in pairwise([*starts, size])
    )
    honest = len(sections) == 1 and not sections[0].endless
    return Layout(() if honest else sections)


def _ogg_links(file: BinaryIO, size: int) -> tuple[list[int], int]:
    """Return where the links of a chain begin, and how many bytes of the last page are not there.

    Links are songs one behind the other, or radio recorded.
    """
    starts, position, within = list[int](), 0, True
    while position < size and len(starts) <= MAX_SECTIONS:
        page = _at(file, position, 27 + 255)
        if page[:4] != b"OggS" or len(page) < 27:
            break
        begins = bool(page[5] & 2)
        # The streams of one link begin together.
        if begins and within:
            starts.append(position)
        within = not begins
        position += 27 + page[26] + sum(page[27 : 27 + page[26]])
    return starts, _missing(0, position, size)


def _at(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)
