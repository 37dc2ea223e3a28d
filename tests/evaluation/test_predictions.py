from __future__ import annotations

import numpy as np
import pytest

from genrecls.evaluation.predictions import Predictions, by_track, decide, leak_mark

CLEAR = np.array([[0.6, 0.4, 0.0], [0.6, 0.4, 0.0], [0.0, 1.0, 0.0]])


def test_the_mean_weighs_and_the_majority_counts() -> None:
    assert decide(CLEAR, "mean") == 1
    assert decide(CLEAR, "majority") == 0


@pytest.mark.parametrize(
    ("rows", "winner"),
    [
        ([[0.9, 0.1, 0.0], [0.4, 0.6, 0.0]], 0),
        ([[0.6, 0.4, 0.0], [0.1, 0.9, 0.0]], 1),
        ([[0.5, 0.2, 0.3], [0.1, 0.5, 0.4], [0.2, 0.1, 0.7]], 2),
        # The largest mean has no vote at all, so it is not asked.
        ([[0.51, 0.0, 0.49], [0.0, 0.52, 0.48]], 1),
    ],
)
def test_a_tie_of_votes_is_decided_by_the_mean(rows: list[list[float]], winner: int) -> None:
    assert decide(np.array(rows), "majority") == winner


def test_the_tie_break_never_outweighs_a_vote() -> None:
    rows = np.tile([0.51, 0.49], (1001, 1))
    rows[:500] = [0.0, 1.0]
    assert decide(rows, "mean") == 1
    assert decide(rows, "majority") == 0


@pytest.mark.parametrize("rule", ["mean", "majority"])
def test_one_segment_decides_alone(rule: str) -> None:
    assert decide(np.array([[0.2, 0.5, 0.3]]), "mean" if rule == "mean" else "majority") == 1


def test_a_majority_decides_and_leaves_the_probabilities_means() -> None:
    segments = Predictions(("a",) * 3, np.arange(3.0), np.zeros(3, np.int64), CLEAR)
    tracks = by_track(segments, "majority")
    assert tracks.predicted.tolist() == [0]
    assert tracks.probabilities == pytest.approx(np.array([[0.4, 0.6, 0.0]]))


@pytest.mark.parametrize(
    ("leaks", "mark"),
    [
        ((), ""),
        (("artist",), " (artists shared)"),
        (("artist", "audio", "track"), " (LEAKY)"),
    ],
)
def test_a_leak_is_named_behind_the_split(leaks: tuple[str, ...], mark: str) -> None:
    assert leak_mark(leaks) == mark


def test_tracks_come_in_the_order_in_which_they_first_appear() -> None:
    segments = Predictions(
        tracks=("z", "a", "z", "m", "a"),
        starts=np.array([0.0, 3.0, 3.0, 0.0, 0.0]),
        truth=np.array([2, 0, 2, 1, 0]),
        probabilities=np.array(
            [[0.1, 0.1, 0.8], [0.9, 0.1, 0], [0.3, 0.5, 0.2], [0, 1, 0], [0.5, 0.1, 0.4]]
        ),
    )
    tracks = by_track(segments, "mean")
    assert tracks.tracks == ("z", "a", "m")
    assert tracks.truth.tolist() == [2, 0, 1]
    expected = np.array([[0.2, 0.3, 0.5], [0.7, 0.1, 0.2], [0, 1, 0]])
    assert tracks.probabilities == pytest.approx(expected)
    assert tracks.predicted.tolist() == [2, 0, 1]
    assert tracks.starts.tolist() == [0, 0, 0]
