"""Plain values from a file, checked by Python alone: a device has no library for schemas."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from genrecls.errors import shown, shown_name

MOST_RATE = 384_000
"""Highest sample rate in Hz that a model may work at; no recording has a higher one."""

_LONGEST_TEXT = 1000


@dataclass(frozen=True)
class Allowed:
    """The values that a setting may have.

    Attributes:
        words: what they are, as an error says it.
        accepts: whether a value is one of them.
    """

    words: str
    accepts: Callable[[Any], bool]


def whole_number(least: int, most: int | None = None) -> Allowed:
    """Return the whole numbers of a range; without `most` it has no end."""
    words = f"a whole number of at least {least}" + ("" if most is None else f", at most {most}")
    # True and False are whole numbers to Python alone.
    return Allowed(
        words,
        lambda value: type(value) is int and least <= value and (most is None or value <= most),
    )


def number(
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    below: float = math.inf,
    most: float = math.inf,
) -> Allowed:
    """Return the finite numbers of a range."""
    bounds = {"above": above, "of at least": least, "below": below, "at most": most}
    words = [f"{name} {bound:g}" for name, bound in bounds.items() if math.isfinite(bound)]
    return Allowed(
        " ".join(("a number", ", ".join(words))).strip(),
        # A whole number may be larger than any float, and is compared as it is.
        lambda value: (
            type(value) in {int, float} and above < value < below and least <= value <= most
        ),
    )


def choice(*values: Any) -> Allowed:
    """Return some values alone."""
    return Allowed(
        ", ".join(map(shown, values)),
        lambda value: any(type(value) is type(one) and value == one for one in values),
    )


def either(*options: Allowed) -> Allowed:
    """Return the values of several kinds."""
    words = " or ".join(option.words for option in options)
    return Allowed(words, lambda value: any(option.accepts(value) for option in options))


def list_of(item: Allowed, least: int = 0, most: int = 1_000_000) -> Allowed:
    """Return the lists of `least` to `most` items."""
    return Allowed(
        f"a list of {least} to {most} items, each {item.words}",
        lambda value: (
            isinstance(value, list | tuple)
            and least <= len(value) <= most
            and all(map(item.accepts, value))
        ),
    )


TEXT = Allowed(
    f"a text of 1 to {_LONGEST_TEXT} characters",
    lambda value: isinstance(value, str) and 1 <= len(value) <= _LONGEST_TEXT,
)
TRUE_OR_FALSE = Allowed("true or false", lambda value: isinstance(value, bool))
NULL = Allowed("null", lambda value: value is None)
GROUP = Allowed("a group of keys", lambda value: isinstance(value, Mapping))


def check(
    values: Any, allowed: Mapping[str, Allowed], place: str, optional: Collection[str] = ()
) -> None:
    """Refuse what is not a group of just these keys with values that they may have.

    Args:
        values: what was read.
        allowed: the keys, and the values of each.
        place: where it stands in its file, for messages; empty for the whole file.
        optional: keys that may be absent.

    Raises:
        ValueError: one line names the key, what was received and what is allowed.
    """
    if not isinstance(values, Mapping):
        keys = ", ".join(allowed)
        raise ValueError(
            f"{place or 'it'}: received {shown(values)}; allowed: a group of the keys {keys}"
        )
    inside = f"{place}." if place else ""
    for key, value in values.items():
        if key not in allowed:
            raise ValueError(
                f"{inside}{shown_name(key)}: unknown key; allowed: {', '.join(allowed)}"
            )
        if not allowed[key].accepts(value):
            raise ValueError(
                f"{inside}{key}: received {shown(value)}; allowed: {allowed[key].words}"
            )
    missing = [key for key in allowed if key not in values and key not in optional]
    if missing:
        raise ValueError(f"{inside}{missing[0]}: missing; expected {allowed[missing[0]].words}")
