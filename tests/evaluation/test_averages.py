from __future__ import annotations

import numpy as np

from genrecls.evaluation.averages import average
from genrecls.evaluation.predictions import Predictions


def predictions(tracks: str, starts: list[float], first: list[float]) -> Predictions:
    """Return predictions of two classes, of which `first` are the probabilities of the first."""
    rows = np.array(first)
    return Predictions(
        tracks=tuple(tracks),
        starts=np.array(starts),
        truth=np.zeros(len(tracks), np.int64),
        probabilities=np.stack([rows, 1 - rows], axis=1),
        decisions=np.ones(len(tracks), np.int64),
    )


def test_models_that_cut_alike_are_averaged_segment_by_segment_whatever_their_order() -> None:
    one = predictions("aab", [0, 3, 0], [0.2, 0.4, 0.6])
    other = predictions("baa", [0, 0, 3], [1.0, 0.6, 0.8])
    result = average([one, other], [3.0, 3.0])
    np.testing.assert_allclose(result.probabilities[:, 0], [0.4, 0.6, 0.8])
    assert result.tracks == one.tracks
    np.testing.assert_array_equal(result.predicted, [1, 0, 0])


def test_of_other_segments_the_one_whose_middle_is_nearest_takes_part() -> None:
    short = predictions("aaa", [0, 2, 4], [0.0, 0.0, 0.0])
    long = predictions("aa", [0, 3], [0.2, 0.6])
    result = average([short, long], [2.0, 3.0])
    np.testing.assert_allclose(result.probabilities[:, 0], [0.1, 0.1, 0.3])
    result = average([long, short], [3.0, 2.0])
    np.testing.assert_allclose(result.probabilities[:, 0], [0.1, 0.3])
