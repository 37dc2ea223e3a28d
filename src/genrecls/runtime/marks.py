"""What has to stand beside a score: leaks of its split, and what the network had heard before.

Nothing is imported here that takes time, for wrong settings are told without it.
"""

from __future__ import annotations

from collections.abc import Collection

UNKNOWN_ARTISTS = "unknown artist"
"""Stands among the leaks where nobody can tell: not all artists are known, and may be shared."""


def is_leaky(leaks: Collection[str]) -> bool:
    """Return whether pieces of one track train and test, which makes a score worthless."""
    return "track" in leaks


def leak_mark(leaks: Collection[str]) -> str:
    """Return what has to stand behind the name of a split with these kinds of leak."""
    if is_leaky(leaks):
        return " (LEAKY)"
    if "artist" in leaks:
        return " (artists shared)"
    return " (artists not all known)" if UNKNOWN_ARTISTS in leaks else ""


def pretraining_mark(pretraining: str) -> str:
    """Return what has to stand beside every score of a model with weights from elsewhere."""
    return f"pretraining: {pretraining}" if pretraining else ""


def pretraining_caveat(pretraining: str) -> str:
    """Return why the scores of such a model are not those of others; empty for random weights."""
    if not pretraining:
        return ""
    return (
        f"the network begins with weights, or had a teacher, trained on {pretraining}, which may "
        "hold artists or recordings of the test part; no leak check can see into them"
    )


def pretraining_warning(pretraining: str) -> str:
    """Return `pretraining_caveat` as a sentence."""
    reason = pretraining_caveat(pretraining)
    return f"{reason[0].upper()}{reason[1:]}." if reason else ""
