"""Who stands on which side is counted as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genrecls.features.cache import FeatureStore
from genrecls.split_audit.near_duplicates import pairs
from genrecls.split_audit.overlap import Match, find_matches, overlap_of
from genrecls.split_audit.scan import AudioScan, scan
from genrecls.splits.base import PARTS, Split
from tests.split_audit.copies import COPIES, dataset_of, music, rule, spec


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> AudioScan:
    """Track a, its exact copy b of another genre, a worse copy c, and another track d."""
    sound = music(1, 6)
    sounds = {
        "a": (sound, "x", "Ann"),
        "b": (sound, "y", "Bob"),
        "c": (COPIES["all of it"](sound), "x", "Ann"),
        "d": (music(2, 6), "y", None),
    }
    return scan(
        dataset_of(Path(tmp_path_factory.mktemp("made")), sounds),
        spec(),
        rule(),
        FeatureStore(None),
    )


@pytest.fixture(scope="module")
def found(audio: AudioScan) -> list[Match]:
    return find_matches(audio, pairs([each.fingerprint for each in audio.recordings.values()]))


def split(**parts: str) -> Split:
    """Return a split from the names of the parts of each track, one segment in each."""
    whole = {
        part: {track: np.arange(1) for track, names in parts.items() if part in names.split()}
        for part in PARTS
    }
    return Split("made", whole, frozenset(), "")


def test_copies_have_their_kind_and_their_genres(found: list[Match]) -> None:
    assert (found[0].first, found[0].second, found[0].kind) == ("a", "b", "identical")
    assert {(m.first, m.second): m.kind for m in found if m.kind == "copy"} == {
        ("a", "c"): "copy",
        ("b", "c"): "copy",
    }
    assert [m.contradictory for m in found] == [m.labels[0] != m.labels[1] for m in found]


def test_only_what_stands_in_two_parts_is_counted(audio: AudioScan, found: list[Match]) -> None:
    apart = overlap_of(audio, split(a="train", c="test", d="validation"), found)
    assert [(match.first, match.second) for match in apart.copies] == [("a", "c")]
    assert apart.identical == 0
    assert dict(apart.artists) == {"Ann": ("train", "test")}
    assert (apart.unknown, apart.unused, apart.divided_tracks) == (1, 1, 0)
    together = overlap_of(audio, split(a="train", c="train", d="test"), found)
    assert not together.copies
    assert not together.artists


def test_a_torn_track_stands_apart_from_its_copy_and_from_itself(
    audio: AudioScan, found: list[Match]
) -> None:
    torn = overlap_of(audio, split(a="train test", b="train", d="validation"), found)
    assert torn.divided_tracks == 1
    assert torn.identical == 1
    assert torn.untested == ["y"]
    assert (torn.total("train").tracks, torn.sizes["test"]["x"].segments) == (2, 1)


def test_identical_files_are_told_although_they_have_no_landmarks(audio: AudioScan) -> None:
    assert [(m.first, m.second, m.kind) for m in find_matches(audio, [])] == [
        ("a", "b", "identical")
    ]
