"""Random damage to files and to values, each kind of which has broken a reader somewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

_NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_DEEP = 3000

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3, 22050.5, 1e-9, 1e-5, 1e12, 1e308, -1e308, 2**31, 2**63),
    *(10**400, float("nan"), float("inf"), -float("inf")),
    *("", " ", "x", "true", "0", "1e999", "\x1b[31mred\x1b[0m", "a\nb", "\u202egnp", "=1+1"),
    *("../../x", "/etc/hosts", "${oc.env:HOME}", "\ud800", "x" * 100_000),
    *([], {}, [[]], [None], {"": None}, {"name": "cnn"}, [1, 2, 3], ["a", "a"]),
)
"""What stands where another value is expected."""


def damaged(data: bytes, random: Random) -> bytes:
    """Return bytes of which some are changed, lost, repeated or added."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        random.choice(_DAMAGES)(changed, random)
    return bytes(changed)


def _flip(data: bytearray, random: Random) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _overwrite(data: bytearray, random: Random) -> None:
    # Sizes and counts stand in headers, so most of it happens there.
    end = min(len(data), random.choice((64, 512, 1 << 30)))
    if end > 4:
        place, width = random.randrange(end - 4), random.choice((1, 2, 4))
        number = random.choice(_NUMBERS) & (256**width - 1)
        data[place : place + width] = number.to_bytes(width, random.choice(("little", "big")))


def _cut(data: bytearray, random: Random) -> None:
    if data:
        del data[random.randrange(len(data)) :]


def _lose(data: bytearray, random: Random) -> None:
    if data:
        place = random.randrange(len(data))
        del data[place : place + random.choice((1, 4, 100))]


def _repeat(data: bytearray, random: Random) -> None:
    if data:
        place = random.randrange(len(data))
        piece = data[place : place + random.choice((1, 16, 1000))]
        data[place:place] = piece * random.choice((1, 2, 50))


def _add(data: bytearray, random: Random) -> None:
    place = random.randrange(len(data) + 1)
    data[place:place] = random.randbytes(random.choice((1, 4, 100)))


_DAMAGES: tuple[Callable[[bytearray, Random], None], ...] = (
    *(_flip, _flip, _overwrite, _overwrite, _overwrite),
    *(_cut, _lose, _repeat, _add),
)


def hostile(value: Any, random: Random) -> Any:
    """Return a JSON value of which one part is another value, absent or much deeper."""
    kind = random.random()
    if isinstance(value, dict) and value and kind < 0.9:
        key = random.choice(sorted(value))
        if kind < 0.1:
            return {name: item for name, item in value.items() if name != key}
        if kind < 0.15:
            return {**value, "unknown": random.choice(VALUES)}
        return {**value, key: hostile(value[key], random)}
    if isinstance(value, list) and value and kind < 0.7:
        place = random.randrange(len(value))
        if kind < 0.1:
            return [*value[:place], *value[place + 1 :]]
        return [*value[:place], hostile(value[place], random), *value[place + 1 :]]
    return random.choice(VALUES)


def hostile_json(text: str, random: Random) -> str:
    """Return the text of a JSON file with one hostile value, or one that is nested too deeply."""
    if random.random() < 0.05:
        return "[" * _DEEP + "]" * random.choice((0, _DEEP))
    changed = json.dumps(hostile(json.loads(text), random))
    return changed.replace("1e+308", random.choice(("1e+308", "1e999")))


def damage_file(path: Path, random: Random) -> None:
    """Change a file as its suffix says: values of JSON, or bytes of anything."""
    if path.suffix == ".json" and random.random() < 0.7:
        path.write_text(
            hostile_json(path.read_text(encoding="utf-8"), random),
            encoding="utf-8",
            errors="surrogatepass",
        )
    else:
        path.write_bytes(damaged(path.read_bytes(), random))
