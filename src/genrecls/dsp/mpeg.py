"""MPEG audio (MP3, MP2, MP1): its frames counted without decoding them.

A decoder guesses the length of what has no Xing, Info or VBRI frame from the size of the file and
of its first frames: right for a constant bit rate alone. ISO/IEC 11172-3 and 13818-3; for the
frames that announce a length see http://gabriel.mp3-tech.org/mp3infotag.html.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import BinaryIO

# kbit/s by bits of the header: version 1 has its own for each layer, 2 and 2.5 share theirs.
_KBITS = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_KBITS[2, 3] = _KBITS[2, 2]
_RATES = (44100, 48000, 32000)

MAX_FRAME_BYTES = 1729
"""Of the largest frame: layer II, 384 kbit/s at 32 kHz, padded."""

# So many frames in a row are no accident of noise.
_RUN = 4

LONGEST_RUN = _RUN * MAX_FRAME_BYTES
"""How many first bytes tell MPEG audio from anything else."""

# Tags with pictures stand between songs; what is longer belongs to no stream.
_MAX_JUNK = 1 << 20
_MAX_JUNK_BEFORE = 1 << 16

# Bytes in junk that may begin a frame: some seconds of looking. Chance makes 4,000 in 1 MiB.
_MAX_TRIES = 2_000_000

# Behind more junk than this decoders give up.
_MAX_RESYNC = 1000

# Encoders count their first frame or not; only more than that is another song behind the first.
_MISCOUNT = 10

# Of a frame that announces a length, its header and side information and a word.
_HEAD = 44

_WINDOW = 1 << 18


@dataclass
class MpegStream:
    """Frames that one encoder wrote, one after the other.

    Attributes:
        start, end: bytes of the file, from its first frame to behind its last one.
        frame_samples: samples of each frame.
        frames: how many there are, a Xing, Info or VBRI frame not counted.
        announced: how many such a frame says there are; None where nothing does.
    """

    start: int
    frame_samples: int
    announced: int | None = None
    frames: int = 0
    end: int = 0

    @property
    def samples(self) -> int:
        """How many samples of each channel the frames hold."""
        return self.frames * self.frame_samples


class _Bytes:
    """Bytes anywhere in a file, read in large steps.

    Attributes:
        tries: how often frames were looked for in vain.
    """

    def __init__(self, file: BinaryIO, end: int) -> None:
        self._file, self.end = file, end
        self.tries = 0
        self._start, self._window = 0, b""

    def at(self, position: int, count: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        count = min(count, self.end - position)
        offset = position - self._start
        if not 0 <= offset <= len(self._window) - count:
            self._file.seek(position)
            self._window = self._file.read(max(count, _WINDOW))
            self._start, offset = position, 0
        return self._window[offset : offset + max(0, count)]


@lru_cache(maxsize=1024)
def _frame(header: bytes) -> tuple[int, int, tuple[int, ...]] | None:
    """Return bytes and samples of a frame and what all frames of a stream share; None for noise.

    Args:
        header: its first four bytes.
    """
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    kbits, rate = header[2] >> 4, header[2] >> 2 & 3
    # Without a bit rate ("free format") the size of a frame is not known.
    if version == 1 or layer == 4 or kbits in {0, 15} or rate == 3:
        return None
    generation = 1 if version == 3 else 2
    hertz = _RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    bits, padding = _KBITS[generation, layer][kbits] * 1000, header[2] >> 1 & 1
    mono = header[3] >> 6 == 3
    shared = (version, layer, hertz, mono)
    if layer == 1:
        return (12 * bits // hertz + padding) * 4, 384, shared
    samples = 576 if layer == 3 and generation == 2 else 1152
    return samples // 8 * bits // hertz + padding, samples, shared


def frame_bytes(header: bytes) -> int:
    """Return the length of the frame that begins with these four bytes; 0 where none does."""
    frame = _frame(header)
    return 0 if frame is None else frame[0]


def begins_mpeg(head: bytes) -> bool:
    """Return whether some frames follow each other from the first byte on.

    The first `LONGEST_RUN` bytes tell.
    """
    return _run(_Bytes(io.BytesIO(head), len(head)), 0)


def id3_bytes(head: bytes) -> int:
    """Return the length of the ID3v2 tag that begins with ten bytes; 0 where none does."""
    if len(head) < 10 or head[:3] != b"ID3" or max(head[6:10]) > 127:
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte
    return 10 + size + (10 if head[5] & 0x10 else 0)


def mpeg_streams(file: BinaryIO, start: int, end: int) -> list[MpegStream]:
    """Return the streams of MPEG audio in a stretch of a file; none where there is something else.

    A new one begins with each frame that announces a length, where the format changes, and where
    the announced length is over and much more follows.
    """
    data, streams = _Bytes(file, end), list[MpegStream]()
    shared: tuple[int, ...] = ()
    stream, announced_end = None, None
    position = _next_run(data, start, _MAX_JUNK_BEFORE)
    while position is not None:
        head = data.at(position, _HEAD)
        frame = _frame(head[:4])
        if frame is None or (frame[2] != shared and not _run(data, position)):
            end_of_frames, position = position, _next_run(data, position, _MAX_JUNK)
            far = position is not None and position - end_of_frames > _MAX_RESYNC
            # Where a length is announced, junk inside it is damage, which the decoder is to meet.
            if far and stream is not None and stream.announced is None:
                streams += _split(stream, None)
                stream = None
            continue
        size, samples, own = frame
        # No decoder plays a last frame that is cut off.
        if position + size > end:
            break
        told = _announced(data, position, head)
        if stream is None or told is not None or own != shared:
            streams += _split(stream, announced_end)
            shared, announced_end = own, None
            stream = MpegStream(position, samples, told or None)
        if told is None:
            if stream.frames == stream.announced:
                announced_end = position
            stream.frames += 1
        position += size
        stream.end = position
    return streams + _split(stream, announced_end)


def _split(stream: MpegStream | None, announced_end: int | None) -> list[MpegStream]:
    """Return a stream, as two where much follows what it announces, which ends at a byte."""
    if stream is None or not stream.frames:
        return []
    more = stream.frames - (stream.announced or stream.frames)
    if announced_end is None or more <= _MISCOUNT:
        return [stream]
    first = replace(stream, frames=stream.frames - more, end=announced_end)
    return [first, replace(stream, start=announced_end, frames=more, announced=None)]


def _announced(data: _Bytes, position: int, head: bytes) -> int | None:
    """Return how many frames a frame announces, 0 where it does not know; None for sound."""
    for magic, count_at in ((b"Xing", 8), (b"Info", 8), (b"VBRI", 14)):
        at = head.find(magic)
        if at > 0:
            told = data.at(position + at, count_at + 4)
            known = magic == b"VBRI" or (told[7:8] and told[7] & 1)
            return int.from_bytes(told[count_at:]) if known else 0
    return None


def _run(data: _Bytes, position: int) -> bool:
    """Return whether some frames of one format follow each other here, or end with the file."""
    shared = None
    for number in range(_RUN):
        frame = _frame(data.at(position, 4))
        if frame is None or (shared is not None and frame[2] != shared):
            return number > 1 and position >= data.end
        shared = frame[2]
        position += frame[0]
    return True


def _next_run(data: _Bytes, position: int, reach: int) -> int | None:
    """Return where the next frames are, behind tags and junk of at most so many bytes."""
    while tag := id3_bytes(data.at(position, 10)):
        position += tag
    last = min(position + reach, data.end)
    while position < last:
        window = data.at(position, min(_WINDOW, last - position))
        at = window.find(b"\xff")
        while at >= 0:
            data.tries += 1
            if data.tries > _MAX_TRIES:
                return None
            if _run(data, position + at):
                return position + at
            at = window.find(b"\xff", at + 1)
        position += max(1, len(window))
    return None
