"""Copies are found whatever was done to them, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.split_audit.fingerprint import Fingerprint
from genrecls.split_audit.near_duplicates import COPY, PART, pairs, resembling
from tests.split_audit.copies import COPIES, cut, fingerprints, music


@pytest.mark.parametrize("kind", COPIES)
def test_every_copy_is_found_and_no_other_pair(kind: str) -> None:
    sounds = [music(seed) for seed in range(8)]
    found = pairs(fingerprints([*sounds, *map(COPIES[kind], sounds[:4])]))
    copies = {(pair.first, pair.second) for pair in found if pair.share >= COPY}
    assert copies == {(number, 8 + number) for number in range(4)}
    assert all(pair.share >= PART for pair in found)


def test_the_offset_says_how_much_later_the_same_moment_comes() -> None:
    sound = music(3)
    (pair,) = pairs(fingerprints([cut(sound), sound]))
    assert pair.offset == pytest.approx(0.506, abs=0.02)
    (pair,) = pairs(fingerprints([sound, cut(sound)]))
    assert pair.offset == pytest.approx(-0.506, abs=0.02)


def test_a_piece_of_a_track_is_found_in_it() -> None:
    sound = music(4, 20)
    (pair,) = pairs(fingerprints([sound, sound[6 * 22050 : 11 * 22050]]))
    assert pair.share > COPY
    assert pair.offset == pytest.approx(-6, abs=0.03)


def test_every_recording_counts_once_for_the_progress() -> None:
    steps: list[None] = []
    pairs(fingerprints([music(seed, 3) for seed in range(3)]), lambda: steps.append(None))
    assert len(steps) == 3


def test_recordings_without_landmarks_have_nothing_in_common() -> None:
    nothing = Fingerprint(np.empty(0, np.uint32), np.empty(0, np.uint32))
    assert pairs([]) == []
    assert pairs([nothing, nothing]) == []


def test_a_hash_that_is_everywhere_says_nothing() -> None:
    hum = Fingerprint(np.full(300, 7, np.uint32), np.arange(300, dtype=np.uint32))
    assert pairs([hum, hum]) == []


def statistics(many: int) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return list(rng.standard_normal((many, 4, 26)).astype(np.float32))


def test_two_tracks_with_the_same_statistics_are_alike_whatever_their_loudness() -> None:
    tracks = statistics(60)
    twin = tracks[7].copy()
    twin[:, 0] += 50
    (pair,) = resembling([*tracks, twin])
    assert (pair.first, pair.second) == (7, 60)
    assert pair.cosine > 0.999


def test_different_tracks_are_not_resembling() -> None:
    assert resembling(statistics(600)) == []


def test_a_handful_of_tracks_says_nothing() -> None:
    assert resembling([statistics(1)[0]] * 5) == []


def test_equal_tracks_do_not_divide_by_zero() -> None:
    assert resembling([statistics(1)[0]] * 30) == []
