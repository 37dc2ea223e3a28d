"""Sound files as they are found outside: without a length, with a wrong one, several in one."""

from __future__ import annotations

import struct
from functools import cache

import numpy as np

from genrecls.dsp.mpeg import frame_bytes
from tests.dsp.bad_audio import encoded

RATE = 44_100


def music(seconds: float, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Return stereo whose loudness changes, so that a variable bit rate varies."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(scale=0.2, size=len(time))
    mono = 0.4 * np.sin(2 * np.pi * 220 * time) + noise * (time % 1 > 0.6)
    return np.stack([mono, 0.5 * mono], axis=1)


def without_first_frame(mp3: bytes) -> bytes:
    """Return an MP3 without the frame that says how many follow."""
    return mp3[frame_bytes(mp3[:4]) :]


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a WAV file of chunks, each a name and its content."""
    body = b"WAVE"
    for name, content in chunks:
        body += name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def mp3_in_wav(mp3: bytes, rate: int = RATE) -> bytes:
    """Return a stereo MP3 as the sound of a WAV file."""
    layer_3 = struct.pack("<HHIIHHHHIHHH", 0x55, 2, rate, 16_000, 1, 0, 12, 1, 2, 417, 1, 1393)
    return riff((b"fmt ", layer_3), (b"fact", struct.pack("<I", 1)), (b"data", mp3))


def mp2(frames: int, rate_bits: int = 0) -> bytes:
    """Return mono layer II of 64 kbit/s at 44.1 kHz: noise in the lowest band."""
    generator = np.random.default_rng(frames)
    stream = b""
    for _ in range(frames):
        size = frame_bytes(header := bytes([0xFF, 0xFD, 0x40 | rate_bits << 2, 0xC0]))
        # 4 bits say how the lowest of 27 bands is coded, the others are silent.
        allocation = "0010" + "0" * 4 * 7 + "0" * 3 * 12 + "0" * 2 * 7
        bits = allocation + "10" + format(int(generator.integers(8, 14)), "06b")
        bits += "".join(map(str, generator.integers(0, 2, 36 * 3)))
        payload = int(bits.ljust((size - 4) * 8, "0"), 2).to_bytes(size - 4)
        stream += header + payload
    return stream


def flac_of_unknown_length(flac: bytes) -> bytes:
    """Return a FLAC as it comes out of a pipe: without the number of its samples."""
    return flac[:21] + bytes([flac[21] & 0xF0, 0, 0, 0, 0]) + flac[26:]


def announcing(wav: bytes, more: int) -> bytes:
    """Return a plain WAV that announces so many bytes more than it holds."""
    return wav[:40] + struct.pack("<I", max(0, len(wav) - 44 + more)) + wav[44:]


@cache
def mp3(seconds: float, rate: int = RATE, seed: int = 0) -> bytes:
    """Return a stereo MP3 of variable bit rate."""
    return encoded("MP3", music(seconds, rate, seed), rate)
