"""Files with tags, made by hand: what follows the tag need not be sound to be tagged."""

from __future__ import annotations

from pathlib import Path


def put_mp3(path: Path, artist: str = "", album_artist: str = "") -> None:
    """Write an ID3v2.3 tag, with frames for what is not empty, before a few bytes."""
    frames = b"".join(
        _frame(name, text) for name, text in ((b"TPE1", artist), (b"TPE2", album_artist)) if text
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"ID3\x03\x00\x00" + _seven_bits(len(frames)) + frames + bytes(64))


def _frame(name: bytes, text: str) -> bytes:
    body = b"\x01" + text.encode("utf-16")
    return name + len(body).to_bytes(4, "big") + b"\x00\x00" + body


def _seven_bits(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
