from __future__ import annotations

import numpy as np
import pytest

from genrecls.evaluation.predictions import Predictions, by_track, vote

CLEAR = np.array([[0.6, 0.4, 0.0], [0.6, 0.4, 0.0], [0.0, 1.0, 0.0]])


def test_the_mean_averages_and_the_majority_counts() -> None:
    assert vote(CLEAR, "mean") == pytest.approx([0.4, 0.6, 0.0])
    assert vote(CLEAR, "majority") == pytest.approx([2 / 3, 1 / 3, 0])
    assert vote(CLEAR, "mean").argmax() != vote(CLEAR, "majority").argmax()


@pytest.mark.parametrize(
    ("rows", "winner"),
    [
        ([[0.9, 0.1, 0.0], [0.4, 0.6, 0.0]], 0),
        ([[0.6, 0.4, 0.0], [0.1, 0.9, 0.0]], 1),
        ([[0.5, 0.2, 0.3], [0.1, 0.5, 0.4], [0.2, 0.1, 0.7]], 2),
    ],
)
def test_a_tie_of_votes_is_decided_by_the_mean(rows: list[list[float]], winner: int) -> None:
    found = vote(np.array(rows), "majority")
    assert found.argmax() == winner
    assert found.sum() == pytest.approx(1)
    votes = np.unique(np.array(rows).argmax(axis=1))
    assert found[votes] == pytest.approx(np.full(len(votes), 1 / len(rows)), abs=1e-6)


def test_the_tie_break_never_outweighs_a_vote() -> None:
    rows = np.tile([0.51, 0.49], (1001, 1))
    rows[:500] = [0.0, 1.0]
    assert vote(rows, "mean").argmax() == 1
    assert vote(rows, "majority").argmax() == 0


@pytest.mark.parametrize("rule", ["mean", "majority"])
def test_one_segment_decides_alone(rule: str) -> None:
    found = vote(np.array([[0.2, 0.5, 0.3]]), "mean" if rule == "mean" else "majority")
    assert found.argmax() == 1
    assert found.sum() == pytest.approx(1)


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
