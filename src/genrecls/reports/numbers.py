"""How numbers are written; a number that does not exist is a dash."""

from __future__ import annotations

import math
from collections.abc import Sequence

DASH = "\u2013"


def finite(value: float | None) -> float:
    """Return `value` as a float, with not-a-number for everything that has no place on an axis."""
    return float(value) if value is not None and math.isfinite(value) else math.nan


def known(value: float | None) -> bool:
    """Return whether `value` is a number that can be shown."""
    return not math.isnan(finite(value))


def decimal(value: float | None, digits: int = 3) -> str:
    """Return `0.713`."""
    return f"{finite(value):.{digits}f}" if known(value) else DASH


def percent(value: float | None) -> str:
    """Return `71.3 %` of the share 0.713; the space does not break."""
    return f"{100 * finite(value):.1f}\u00a0%" if known(value) else DASH


def beyond(value: float, limit: float, digits: int = 2) -> str:
    """Return a number with so many digits, or as many as show on which side of a limit it is.

    The limit is one that is written with `:g`.
    """
    shown = f"{value:.{digits}g}"
    if value == limit or digits > 16 or (float(shown) - float(f"{limit:g}")) * (value - limit) > 0:
        return shown
    return beyond(value, limit, digits + 1)


def bounds(interval: Sequence[float | None] | None) -> str:
    """Return `0.671 to 0.752`."""
    low, high = interval or (None, None)
    return f"{decimal(low)} to {decimal(high)}" if known(low) and known(high) else DASH


def count(value: float | None) -> str:
    """Return `78 282`, thousands apart by a thin space that does not break."""
    return f"{finite(value):,.0f}".replace(",", "\u202f") if known(value) else DASH


def duration(seconds: float | None) -> str:
    """Return `3.2 s`, `4 min 05 s` or `2 h 10 min`."""
    number = finite(seconds)
    if not known(number):
        return DASH
    if number < 59.95:
        return f"{number:.1f}\u00a0s"
    minutes, rest = divmod(round(number), 60)
    if minutes < 60:
        return f"{minutes}\u00a0min {rest:02d}\u00a0s"
    return f"{minutes // 60}\u00a0h {minutes % 60:02d}\u00a0min"


def kilobytes(size: float) -> str:
    """Return `41.2 kB` or `1 640 kB`, of 1000 bytes each."""
    number = size / 1000
    return f"{number:,.0f} kB".replace(",", "\u202f") if number >= 100 else f"{number:.1f} kB"


def milliseconds(value: float) -> str:
    """Return `0.27 ms`, `3.4 ms` or `120 ms`."""
    digits = 0 if value >= 100 else 1 if value >= 1 else 2
    return f"{value:.{digits}f} ms"
