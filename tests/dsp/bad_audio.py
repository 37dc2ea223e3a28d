"""Damaged and odd sound files, made on the spot, each with the verdict that it must get."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from genrecls.dsp.audio_limits import REASONS, AudioLimits

ACCEPTED = "accepted"
RATE = 22_050
LIMITS = AudioLimits(max_seconds=60.0)
# Nothing is forbidden to the super-user of a container.
_FORBIDDEN = ACCEPTED if os.access("/", os.W_OK) else "unreadable"

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class BadFile:
    """One case.

    Attributes:
        name: file name.
        write: makes the file at a path.
        outcomes: `accepted` or codes of `REASONS`; several where the decoder's version decides how
            far it gets.
    """

    name: str
    write: Callable[[Path], object]
    outcomes: frozenset[str]

    def __post_init__(self) -> None:
        assert self.outcomes
        assert self.outcomes <= {ACCEPTED, *REASONS}


def write_all(folder: Path) -> dict[str, Path]:
    """Write every case into `folder`; return its path by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        case.write(folder / case.name)
    return {case.name: folder / case.name for case in CASES}


def tone(seconds: float = 1.0, rate: int = RATE, channels: int = 1) -> Samples:
    """Return a 220 Hz tone under faint noise, shape `(frames, channels)`, peak about 0.5."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(0).normal(scale=0.01, size=(len(time), channels))
    mixed: Samples = 0.5 * np.sin(2 * np.pi * 220 * time)[:, None] + noise
    return mixed


def encoded(
    kind: str, samples: NDArray[Any] | None = None, rate: int = RATE, subtype: str | None = None
) -> bytes:
    """Return the bytes of a sound file of the container `kind`, such as `WAV`."""
    buffer = io.BytesIO()
    content = tone(rate=rate) if samples is None else samples
    soundfile.write(buffer, content, rate, subtype, format=kind)
    return buffer.getvalue()


def _cut(content: bytes, share: float = 0.5) -> bytes:
    return content[: int(len(content) * share)]


def _patched(content: bytes, at: int, layout: str, value: int) -> bytes:
    """Return `content` with one number of its header replaced."""
    return content[:at] + struct.pack(layout, value) + content[at + struct.calcsize(layout) :]


def _flipped(content: bytes, count: int, start: int) -> bytes:
    damaged = bytearray(content)
    for at in np.random.default_rng(1).integers(start, len(content), count):
        damaged[at] ^= 0xFF
    return bytes(damaged)


def _hole(content: bytes) -> bytes:
    third = len(content) // 3
    return content[:third] + bytes(third) + content[2 * third :]


def _noise(size: int) -> bytes:
    return np.random.default_rng(2).bytes(size)


def _with(value: float) -> Samples:
    samples = tone()
    samples[5000] = value
    return samples


def _opposite() -> Samples:
    return np.hstack([tone(), -tone()])


def _chunk_before_sound(content: bytes) -> bytes:
    chunk = b"LIST" + struct.pack("<I", 5) + b"INFO?\0"
    longer = content[:12] + chunk + content[12:]
    return _patched(longer, 4, "<I", len(longer) - 8)


def _flac_total(content: bytes, frames: int) -> bytes:
    """Return a FLAC file whose header announces `frames` (36 bits, from byte 21 on)."""
    high = (content[21] & 0xF0) | (frames >> 32)
    return content[:21] + bytes([high]) + struct.pack(">I", frames & 0xFFFF_FFFF) + content[26:]


def _dangle(path: Path) -> None:
    path.symlink_to(path.with_name("not there.wav"))


def _forbid(path: Path) -> None:
    path.write_bytes(encoded("WAV"))
    path.chmod(0)


def _case(name: str, make: Callable[[], bytes], *outcomes: str) -> BadFile:
    return BadFile(name, lambda path: path.write_bytes(make()), frozenset(outcomes))


def _place(name: str, write: Callable[[Path], object], *outcomes: str) -> BadFile:
    return BadFile(name, write, frozenset(outcomes))


_HTML = b"<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>\n"
_GHOST = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X" + bytes(4000)
_LONG_NAME = "ein sehr langer Name mit Leerzeichen " + "x" * 200 + ".wav"

CASES: tuple[BadFile, ...] = (
    # Absent, forbidden or not sound at all.
    _place("dangling_link.wav", _dangle, "missing"),
    _place("directory.wav", Path.mkdir, "unreadable"),
    _place("forbidden.wav", _forbid, _FORBIDDEN),
    _case("no_bytes.wav", lambda: b"", "empty"),
    _case("no_bytes.mp3", lambda: b"", "empty"),
    _case("one_byte.wav", lambda: b"R", "unreadable"),
    _case("random_bytes.wav", lambda: _noise(20_000), "unreadable"),
    _case("random_bytes.au", lambda: _noise(20_000), "unreadable"),
    _case("zero_bytes.mp3", lambda: bytes(20_000), "unreadable"),
    _case("web_page.mp3", lambda: _HTML * 50, "unreadable"),
    _case("web_page.wav", lambda: _HTML, "unreadable"),
    _case("._ghost.wav", lambda: _GHOST, "unreadable"),
    # Headers that lie.
    _case("header_only.wav", lambda: encoded("WAV")[:44], "empty"),
    _case("half_header.wav", lambda: encoded("WAV")[:20], "unreadable"),
    _case("broken_header.wav", lambda: bytes(44) + encoded("WAV")[44:], "unreadable"),
    _case("data_size_zero.wav", lambda: _patched(encoded("WAV"), 40, "<I", 0), ACCEPTED),
    _case("data_size_zero.au", lambda: _patched(encoded("AU"), 8, ">I", 0), ACCEPTED),
    _case(
        "data_size_huge.wav", lambda: _patched(encoded("WAV"), 40, "<I", 1 << 30), "length-mismatch"
    ),
    _case(
        "data_size_huge.au", lambda: _patched(encoded("AU"), 8, ">I", 1 << 30), "length-mismatch"
    ),
    _case("streamed.wav", lambda: _patched(encoded("WAV"), 40, "<I", 0xFFFF_FFFF), ACCEPTED),
    _case("streamed.au", lambda: _patched(encoded("AU"), 8, ">I", 0xFFFF_FFFF), ACCEPTED),
    _case("total_huge.flac", lambda: _flac_total(encoded("FLAC"), (1 << 36) - 1), "long"),
    _case(
        "total_double.flac",
        lambda: _flac_total(encoded("FLAC"), 2 * RATE),
        "length-mismatch",
        "unreadable",
    ),
    _case("rate_1_hz.wav", lambda: _patched(encoded("WAV"), 24, "<I", 1), "rate"),
    _case(
        "rate_4_ghz.wav",
        lambda: _patched(encoded("WAV"), 24, "<I", 4_000_000_000),
        "rate",
        "unreadable",
    ),
    _case(
        "channels_0.wav", lambda: _patched(encoded("WAV"), 22, "<H", 0), "channels", "unreadable"
    ),
    _case("channels_1000.wav", lambda: encoded("WAV", np.zeros((1000, 1000))), "channels"),
    # Cut, or damaged in the middle.
    _case("cut.wav", lambda: _cut(encoded("WAV")), "length-mismatch"),
    _case("cut.au", lambda: _cut(encoded("AU")), "length-mismatch"),
    _case("cut.flac", lambda: _cut(encoded("FLAC")), "length-mismatch", "unreadable"),
    _case("cut.mp3", lambda: _cut(encoded("MP3")), "length-mismatch"),
    _case("cut.ogg", lambda: _cut(encoded("OGG", tone(4))), "length-mismatch"),
    _case(
        "cut.opus",
        lambda: _cut(encoded("OGG", tone(4, rate=24_000), 24_000, "OPUS")),
        "length-mismatch",
    ),
    _case("hole.wav", lambda: _hole(encoded("WAV")), ACCEPTED),
    _case("flipped.wav", lambda: _flipped(encoded("WAV"), 200, 100), ACCEPTED),
    _case(
        "flipped.flac", lambda: _flipped(encoded("FLAC"), 200, 100), "unreadable", "length-mismatch"
    ),
    # Sound that is of no use.
    _case("nan.wav", lambda: encoded("WAV", _with(np.nan), subtype="FLOAT"), "non-finite"),
    _case("infinite.wav", lambda: encoded("WAV", _with(-np.inf), subtype="FLOAT"), "non-finite"),
    _case(
        "too_big_for_float32.wav",
        lambda: encoded("WAV", _with(1e300), subtype="DOUBLE"),
        "non-finite",
    ),
    _case("amplitude_50.wav", lambda: encoded("WAV", 100 * tone(), subtype="FLOAT"), "amplitude"),
    _case("silent.wav", lambda: encoded("WAV", 0 * tone()), "silent"),
    _case("silent.flac", lambda: encoded("FLAC", 0 * tone()), "silent"),
    _case("silent_8_bit.wav", lambda: encoded("WAV", 0 * tone(), subtype="PCM_U8"), "silent"),
    _case("opposite_phase.wav", lambda: encoded("WAV", _opposite()), "silent"),
    _case("too_short.wav", lambda: encoded("WAV", tone(0.05)), "short"),
    _case("one_frame.wav", lambda: encoded("WAV", tone()[:1]), "short"),
    _case(
        "too_long.wav",
        lambda: encoded("WAV", np.zeros(4_000 * 61), 4_000, subtype="PCM_U8"),
        "long",
    ),
    # Odd, but sound.
    _case("mp3_named.wav", lambda: encoded("MP3"), ACCEPTED),
    _case("wav_named.mp3", lambda: encoded("WAV"), ACCEPTED),
    _case("chunk_before_sound.wav", lambda: _chunk_before_sound(encoded("WAV")), ACCEPTED),
    _case("junk_at_the_end.wav", lambda: encoded("WAV") + _noise(500), ACCEPTED),
    _case("8_bit.wav", lambda: encoded("WAV", subtype="PCM_U8"), ACCEPTED),
    _case("24_bit.wav", lambda: encoded("WAV", subtype="PCM_24"), ACCEPTED),
    _case("float64.wav", lambda: encoded("WAV", subtype="DOUBLE"), ACCEPTED),
    _case("six_channels.wav", lambda: encoded("WAV", tone(channels=6)), ACCEPTED),
    _case("96_khz.wav", lambda: encoded("WAV", rate=96_000), ACCEPTED),
    _case("8_khz.wav", lambda: encoded("WAV", rate=8_000), ACCEPTED),
    _case("Ünïcödé 音楽 🎵.wav", lambda: encoded("WAV"), ACCEPTED),
    _case(_LONG_NAME, lambda: encoded("WAV"), ACCEPTED),
)
