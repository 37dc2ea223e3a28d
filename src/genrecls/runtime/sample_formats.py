"""How samples can be stored: names as ffmpeg has them."""

from __future__ import annotations

from typing import Literal, get_args

Coding = Literal["s16le", "s24le", "s32le", "f32le"]
"""Signed whole numbers of 16, 24 or 32 bits, or floats; little-endian."""

CODINGS: tuple[Coding, ...] = get_args(Coding)

WIDTHS: dict[Coding, int] = {"s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4}
"""Bytes of one sample."""
