"""What a trained model says of itself in one line."""

from __future__ import annotations

from collections.abc import Collection


def leak_mark(leaks: Collection[str]) -> str:
    """Return what has to stand behind the name of a split with these kinds of leak."""
    if "track" in leaks:
        return " (LEAKY)"
    return " (artists shared)" if "artist" in leaks else ""
