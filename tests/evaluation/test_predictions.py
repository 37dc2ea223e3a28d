from __future__ import annotations

import numpy as np
import pytest

from genrecls.evaluation.predictions import Predictions, by_track

CLEAR = np.array([[0.6, 0.4, 0.0], [0.6, 0.4, 0.0], [0.0, 1.0, 0.0]])


def test_a_majority_decides_and_leaves_the_probabilities_means() -> None:
    segments = Predictions(("a",) * 3, np.arange(3.0), np.zeros(3, np.int64), CLEAR)
    tracks = by_track(segments, "majority")
    assert tracks.predicted.tolist() == [0]
    assert tracks.probabilities == pytest.approx(np.array([[0.4, 0.6, 0.0]]))


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
