"""The leak check names what is on several sides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.errors import LeakError
from genrecls.splits.base import LeakKind, Part, Split, SplitInput
from genrecls.splits.leakage import Leak, ensure_declared, find_leaks

TRACKS = (
    Track("a", Path("a.wav"), "rock", "Ann"),
    Track("b", Path("b.wav"), "rock", "Ann"),
    Track("c = d", Path("c.wav"), "rock"),
    Track("e", Path("e.wav"), "rock"),
)
DATASET = Dataset("test", ("rock",), TRACKS, Path(), Provenance("", "", ""))


def made(parts: dict[Part, list[str]], leaks: Sequence[LeakKind] = ()) -> Split:
    arrays = {part: {t: np.arange(1) for t in parts.get(part, [])} for part in _parts()}
    return Split("mine", arrays, frozenset(leaks), "")


def _parts() -> tuple[Part, ...]:
    return ("train", "validation", "test")


def given(**digests: str) -> SplitInput:
    every = {track.id: track.id for track in TRACKS} | digests
    return SplitInput(DATASET, {track.id: 1 for track in TRACKS}, every)


def test_a_clean_split_leaks_nothing() -> None:
    split = made({"train": ["a", "b"], "validation": ["c = d"], "test": ["e"]})
    assert find_leaks(split, given()) == []


def test_a_track_on_two_sides_is_found() -> None:
    split = made({"train": ["c = d", "e"], "test": ["c = d"]})
    # It is one track, whatever its name looks like, and so no pair of identical recordings.
    assert find_leaks(split, given()) == [Leak("track", "c = d", ("train", "test"))]


def test_an_artist_on_two_sides_is_found() -> None:
    split = made({"train": ["a"], "validation": ["b"]})
    assert find_leaks(split, given()) == [Leak("artist", "Ann", ("train", "validation"))]


def test_a_recording_on_two_sides_is_found_under_any_name() -> None:
    split = made({"validation": ["a"], "test": ["e"]})
    found = find_leaks(split, given(a="same", e="same"))
    assert found == [Leak("audio", "a = e", ("validation", "test"))]


def test_unknown_artists_are_not_one_artist() -> None:
    split = made({"train": ["c = d"], "test": ["e"]})
    assert find_leaks(split, given()) == []


@pytest.mark.parametrize(
    ("kind", "parts", "digests", "message"),
    [
        (
            "track",
            {"train": ["e"], "test": ["e"]},
            {},
            (
                "split=mine leaks: track 'e' is in train and test (1 such leak(s) in all); a track "
                "must be whole in one part"
            ),
        ),
        (
            "artist",
            {"train": ["a"], "test": ["b"]},
            {},
            (
                "split=mine leaks: artist 'Ann' is in train and test (1 such leak(s) in all); "
                "choose split=artist, or split=track, which declares it"
            ),
        ),
        (
            "audio",
            {"train": ["c = d"], "test": ["e"]},
            {"c = d": "same", "e": "same"},
            (
                "split=mine leaks: audio 'c = d = e' is in train and test (1 such leak(s) in all); "
                "remove the copies ('genrecls data verify' lists them) or choose split=track, "
                "which keeps identical recordings together"
            ),
        ),
    ],
)
def test_a_leak_is_an_error_unless_it_is_declared(
    kind: LeakKind, parts: dict[Part, list[str]], digests: dict[str, str], message: str
) -> None:
    material = given(**digests)
    split = made(parts)
    with pytest.raises(LeakError) as caught:
        ensure_declared(split, find_leaks(split, material))
    assert str(caught.value) == message
    declared = made(parts, [kind])
    ensure_declared(declared, find_leaks(declared, material))
