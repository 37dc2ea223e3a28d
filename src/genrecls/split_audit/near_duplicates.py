"""Near-duplicates: pairs of recordings whose landmarks agree at one distance in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.split_audit.fingerprint import HOP, RATE, Fingerprint

MIN_SHARED = 12
"""Fewest landmarks at one distance that are worth telling; chance gives fewer."""
PART = 0.02
"""From this share of the landmarks on two recordings have something in common: a sample, a loop,
the same notes at the same times, or a piece of each other."""
COPY = 0.12
"""From this share on one recording is a copy of the other.

Measured with 160 GTZAN tracks and 13 FMA clips: cut by 0.5 s, at half the level, with noise at 20
dB and as MP3 of 16 kHz they share at least 0.156 with themselves (with noise at 10 dB alone 0.145),
and excerpts of 10 s at least 0.137; of all other pairs two are known copies (0.48 and 0.68), one
uses the same sample (0.030) and the rest share at most 0.011. Generated bands reach 0.09.
"""

# A hash that is everywhere says nothing, and all its pairs would cost the most.
_COMMON = 100
# Frames fit into so many bits: 36 days of audio, forwards and backwards.
_TIME_BITS = 28


@dataclass(frozen=True)
class Pair:
    """What two recordings share.

    Attributes:
        first: number of a recording.
        second: number of another, higher.
        shared: landmarks that agree at one distance.
        share: of the landmarks of the recording that has fewer.
        offset: seconds by which the same moment comes later in the second.
    """

    first: int
    second: int
    shared: int
    share: float
    offset: float


def pairs(
    fingerprints: Sequence[Fingerprint], advance: Callable[[], None] = lambda: None
) -> list[Pair]:
    """Return the pairs that share more than by chance, largest share first.

    All landmarks are in one index, in which each recording is looked up, so that only recordings
    with something in common are ever compared.

    Args:
        fingerprints: one a recording.
        advance: called after each recording.
    """
    # All landmarks, sorted by hash: whose they are, and in which frame they begin.
    nothing = np.empty(0, np.uint32)
    hashes = np.concatenate([nothing, *(each.hashes for each in fingerprints)])
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    owners = np.repeat(np.arange(len(fingerprints)), [len(each) for each in fingerprints])[order]
    times = np.concatenate([nothing, *(each.times for each in fingerprints)])[order]
    times = times.astype(np.int64)
    pairs_found: list[Pair] = []
    for number, own in enumerate(fingerprints):
        low = np.searchsorted(hashes, own.hashes, "left")
        many = np.searchsorted(hashes, own.hashes, "right") - low
        many[many > _COMMON] = 0
        hits = np.repeat(low - np.cumsum(many) + many, many) + np.arange(many.sum())
        distances = times[hits] - np.repeat(own.times, many)
        later = owners[hits] > number
        for other, shared, distance in _agreeing(owners[hits][later], distances[later]):
            share = shared / min(len(own), len(fingerprints[other]))
            if share >= PART:
                pairs_found.append(Pair(number, other, shared, share, distance * HOP / RATE))
        advance()
    return sorted(pairs_found, key=lambda pair: (-pair.share, pair.first, pair.second))


def _agreeing(
    owners: NDArray[np.int64], distances: NDArray[np.int64]
) -> Iterator[tuple[int, int, float]]:
    """Yield the owners with enough hits at one distance: how many, and that distance in frames.

    Two neighbouring distances count as one: a copy may be shifted by half a frame.
    """
    middle = 1 << (_TIME_BITS - 1)
    places, counts = np.unique((owners << _TIME_BITS) + distances + middle, return_counts=True)
    beside = np.append(np.diff(places) == 1, [False]) * np.append(counts, [0])[1:]
    enough = np.flatnonzero(counts + beside >= MIN_SHARED)
    best: dict[int, tuple[int, float]] = {}
    for place in enough:
        owner, shared = int(places[place] >> _TIME_BITS), int(counts[place] + beside[place])
        if shared > best.get(owner, (0, 0.0))[0]:
            distance = int(places[place] & (2 * middle - 1)) - middle
            best[owner] = shared, distance + float(beside[place]) / shared
    for owner, (shared, mean) in best.items():
        yield owner, shared, mean


RESEMBLING = 0.98
"""Cosine from which two tracks are suspiciously similar.

Among 160 GTZAN tracks the two known replicas have 0.998 and 0.985, all other pairs at most 0.973.
"""

_BLOCK = 512
_FEWEST = 20


@dataclass(frozen=True)
class Resemblance:
    """Two tracks, by their numbers, and the cosine between their standardised statistics."""

    first: int
    second: int
    cosine: float


def resembling(
    statistics: Sequence[NDArray[np.float32]], limit: float = RESEMBLING
) -> list[Resemblance]:
    """Return the pairs of tracks whose statistics point the same way, most similar first.

    The loudness is left out: it is the first coefficient's mean. Among fewer than twenty
    tracks nobody knows what is usual, so none are returned.

    Args:
        statistics: means and standard deviations of the coefficients of each track's segments,
            shape (segments, 2 * coefficients) each.
        limit: smallest cosine that is returned.
    """
    if len(statistics) < _FEWEST:
        return []
    means = np.stack([each.mean(axis=0) for each in statistics])[:, 1:].astype(np.float64)
    spread = means.std(axis=0)
    standard = (means - means.mean(axis=0)) / np.where(spread > 0, spread, 1)
    norms = np.linalg.norm(standard, axis=1, keepdims=True)
    directions = (standard / np.where(norms > 0, norms, 1)).astype(np.float32)
    pairs_found = [
        Resemblance(start + int(row), int(column), float(cosines[row, column]))
        for start in range(0, len(directions), _BLOCK)
        for cosines in [directions[start : start + _BLOCK] @ directions.T]
        for row, column in np.argwhere(cosines >= limit)
        if start + row < column
    ]
    return sorted(pairs_found, key=lambda pair: (-pair.cosine, pair.first, pair.second))
