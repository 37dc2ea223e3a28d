"""What every split must do; it is tried on tracks without audio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genrecls.contracts.base import Check, require
from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.errors import DataError
from genrecls.splits.base import PARTS, Split, SplitInput, Splitter
from genrecls.splits.leakage import ensure_declared, find_leaks


def _tracks(splitter: Splitter) -> SplitInput:
    """Return 240 tracks of three genres and forty artists; two of them are the same recording.

    A published partition that the split asks for has parts, or folds where it takes no parts.
    """
    given = _tracks_with(splitter.published, PARTS)
    try:
        splitter.assign(given, seed=0)
    except DataError:
        return _tracks_with(splitter.published, ("1", "2", "3"))
    return given


def _tracks_with(published: str | None, names: Sequence[str]) -> SplitInput:
    genres, ids = ("blues", "jazz", "rock"), range(240)
    tracks = tuple(
        Track(f"t{i:03d}", Path(f"t{i:03d}.wav"), genres[i % 3], f"artist {i % 3}-{i // 18}")
        for i in ids
    )
    # By artist, so that a published partition has no leak of its own.
    parts = {track.id: names[int(str(track.artist).rpartition("-")[2]) % 3] for track in tracks}
    partitions = {published: parts} if published else {}
    provenance = Provenance("tracks", "none", "none")
    dataset = Dataset("tracks", genres, tracks, Path(), provenance, partitions=partitions)
    digests = {track.id: track.id for track in tracks} | {"t003": "t000"}
    return SplitInput(dataset, {track.id: 2 + i % 4 for i, track in enumerate(tracks)}, digests)


def _segments(split: Split) -> list[tuple[str, str, int]]:
    return [
        (part, track, int(index))
        for part in PARTS
        for track, indices in split.parts[part].items()
        for index in indices
    ]


def fills_three_parts(splitter: Splitter) -> None:
    """It fills train, validation and test, and every part has every genre."""
    given = _tracks(splitter)
    split = splitter.assign(given, seed=0)
    genres = {track.id: track.label for track in given.dataset.tracks}
    for part in PARTS:
        there = {genres[track] for track in split.parts.get(part, {})}
        require(there == set(given.dataset.labels), f"the {part} part has only {sorted(there)}")


def shares_no_segment(splitter: Splitter) -> None:
    """No segment is in two parts, and every segment is one of its track."""
    given = _tracks(splitter)
    segments = [(track, index) for _, track, index in _segments(splitter.assign(given, seed=0))]
    twice = len(segments) - len(set(segments))
    require(not twice, f"{twice} segments are in two parts")
    outside = [s for s in segments if not 0 <= s[1] < given.segment_counts[s[0]]]
    require(not outside, f"there are no such segments: {outside[:3]}")


def hangs_on_the_seed_alone(splitter: Splitter) -> None:
    """The same tracks and seed give the same split."""
    first, second = (splitter.assign(_tracks(splitter), seed=7) for _ in range(2))
    require(_segments(first) == _segments(second), "the second time the split is another")


def declares_what_it_leaks(splitter: Splitter) -> None:
    """It declares in `leaks` what is on two sides, and says so in `caveat`."""
    given = _tracks(splitter)
    split = splitter.assign(given, seed=0)
    leaks = find_leaks(split, given)
    ensure_declared(split, leaks)
    require(bool(split.caveat) == bool(split.leaks), "a leak needs a caveat, and only a leak")


CHECKS: tuple[Check, ...] = (
    fills_three_parts,
    shares_no_segment,
    hangs_on_the_seed_alone,
    declares_what_it_leaks,
)
