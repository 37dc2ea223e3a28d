from __future__ import annotations

import numpy as np
import pytest

from genrecls.evaluation.intervals import Sampling, wilson


@pytest.mark.parametrize(
    ("share", "size", "expected"),
    [
        # Newcombe 1998, table I, method 3.
        (81 / 263, 263, (0.2553, 0.3662)),
        (15 / 148, 148, (0.0624, 0.1605)),
        (0 / 20, 20, (0.0000, 0.1611)),
        (1 / 29, 29, (0.0061, 0.1718)),
    ],
)
def test_the_interval_of_a_share_is_as_published(
    share: float, size: float, expected: tuple[float, float]
) -> None:
    assert wilson(share, size) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("size", [1, 1.5, 4, 1e6])
@pytest.mark.parametrize("share", [0, 1e-9, 1 / 3, 1])
def test_a_share_is_inside_its_own_interval_and_that_inside_zero_and_one(
    share: float, size: float
) -> None:
    low, high = wilson(share, size)
    assert 0 <= low <= share <= high <= 1
    assert low < high


def _sampling(right: np.ndarray, per_cluster: int) -> Sampling:
    weights = np.full(len(right), 1 / len(right))
    clusters = np.arange(len(right)) // per_cluster
    return Sampling(clusters, weights, weights * (right - right.mean()))


def test_independent_examples_are_as_many_as_they_are() -> None:
    right = np.array([1.0, 1, 1, 0, 1, 0])
    assert _sampling(right, 1).size == pytest.approx(6)


def test_without_any_variance_only_the_clusters_are_counted() -> None:
    assert _sampling(np.ones(40), 10).size == pytest.approx(4)
    assert _sampling(np.ones(40), 40).size == pytest.approx(1)


def test_a_long_track_among_short_ones_counts_for_less_than_a_track_each() -> None:
    clusters = np.repeat(np.arange(4), [37, 1, 1, 1])
    weights = np.full(40, 1 / 40)
    assert 1 < Sampling(clusters, weights, np.zeros(40)).size < 1.2


@pytest.mark.parametrize(("tracks", "segments"), [(30, 1), (10, 8), (60, 8)])
@pytest.mark.parametrize("accuracy", [0.5, 0.8])
def test_the_interval_holds_the_true_accuracy_about_95_times_in_100(
    tracks: int, segments: int, accuracy: float
) -> None:
    rng = np.random.default_rng(tracks)
    # Tracks differ, so that the segments of one are alike.
    of_track = rng.beta(2 * accuracy, 2 * (1 - accuracy), (300, tracks, 1))
    right = (rng.random((300, tracks, segments)) < of_track).reshape(300, -1).astype(float)
    bounds = [_sampling(row, segments).interval(row.mean()) for row in right]
    assert 0.9 <= np.mean([low <= accuracy <= high for low, high in bounds]) <= 0.99
