from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from genrecls.evaluation.paired_tests import PairedDecisions, interval, pair


def _answers(
    right: Sequence[int], run: str = "run", first: int = 0, genre: str = "jazz"
) -> PairedDecisions:
    truth = tuple((f"t{first + number:03d}", genre) for number in range(len(right)))
    return PairedDecisions(run, "test", truth, np.array(right, dtype=bool))


def test_two_runs_are_compared_on_their_tracks() -> None:
    pairing = pair([_answers([1, 0, 0, 0], "a")], [_answers([0, 1, 1, 0], "b")])
    assert pairing.difference is not None
    assert pairing.mcnemar is not None
    assert pairing.difference.mean == -0.25
    assert (pairing.mcnemar.only_first, pairing.mcnemar.only_second) == (1, 2)
    assert (pairing.runs, pairing.compared, pairing.tracks) == (("a", "b"), (1, 1), 4)


def test_over_seeds_with_the_same_tracks_the_correctness_is_averaged() -> None:
    system = [_answers([1, 1, 0, 0], "a0"), _answers([0, 1, 0, 0], "a1")]
    pairing = pair(system, [_answers([1, 1, 1, 1], "b0")])
    assert pairing.difference is not None
    assert pairing.difference.mean == pytest.approx(-0.625)
    assert pairing.runs == ("a0", "b0")
    assert (pairing.compared, pairing.tracks) == ((2, 1), 4)


def test_seeds_with_tracks_of_their_own_are_matched_and_taken_together() -> None:
    system = [_answers([0, 0, 1, 1], "a0"), _answers([0, 0, 0, 0], "a1", first=2)]
    best = [_answers([1, 1, 1, 1], "b1", first=2), _answers([1, 1, 1, 1], "b0")]
    pairing = pair(system, best)
    assert pairing.difference is not None
    assert pairing.difference.mean == pytest.approx(-6 / 8)
    assert pairing.accuracies == (2 / 8, 1.0)
    assert pairing.runs == ("a0", "b0")
    assert (pairing.compared, pairing.tracks) == ((2, 2), 6)


def test_a_seed_that_only_one_of_them_has_takes_no_part() -> None:
    system = [_answers([0, 0], "a0"), _answers([1, 1], "a1", first=5)]
    pairing = pair(system, [_answers([1, 1], "b0")])
    assert pairing.difference is not None
    assert (pairing.difference.mean, pairing.compared) == (-1, (1, 1))
    assert pairing.accuracies == (0.0, 1.0)


def test_other_tracks_are_not_compared_and_the_reason_is_given() -> None:
    result = pair([_answers([1] * 4)], [_answers([1] * 4, first=3)])
    assert (result.difference, result.mcnemar) == (None, None)
    assert result.reason == "other test tracks: 1 of 4 in common"


def test_other_truths_are_not_compared() -> None:
    result = pair([_answers([1, 1])], [_answers([1, 1], genre="rock")])
    assert result.reason == "other truths: 2 of 2 test tracks"


def _of_artists(decisions: PairedDecisions, tracks_each: int) -> PairedDecisions:
    tracks = [track for track, _ in decisions.truth]
    artists = {track: f"a{row // tracks_each}" for row, track in enumerate(tracks)}
    return replace(decisions, artists=artists)


def test_where_artists_are_kept_apart_they_are_drawn_and_not_their_tracks() -> None:
    # Whether a track is right depends on its artist alone.
    runs = [_answers(np.repeat([1, 1, 1, 0, 1, 0, 1, 1], 5).tolist(), name) for name in "ab"]
    alone = np.ptp(interval(runs))
    together = np.ptp(interval([_of_artists(run, 5) for run in runs]))
    assert together > 1.8 * alone


def test_a_difference_is_tested_between_artists_where_they_are_kept_apart() -> None:
    better, worse = _answers([1] * 20), _answers([0] * 10 + [1] * 10)
    by_track = pair([better], [worse])
    by_artist = pair([_of_artists(better, 5)], [_of_artists(worse, 5)])
    assert by_track.difference is not None
    assert by_artist.difference is not None
    assert by_artist.difference.mean == by_track.difference.mean == 0.5
    # Two of four artists differ, which is no evidence; ten of twenty tracks would be.
    assert by_track.difference.p < 0.01
    assert by_artist.difference.p > 0.4
    assert by_artist.tracks == by_track.tracks == 20
