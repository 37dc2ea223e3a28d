from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from genrecls.evaluation.metrics import (
    CalibrationBin,
    GenreScores,
    calibration_error,
    roc_auc,
    scores,
)
from genrecls.evaluation.predictions import Predictions

LABELS = ("blues", "jazz", "metal", "rock")


def _predictions(
    truth: Any, probabilities: Any, tracks: tuple[str, ...] | None = None
) -> Predictions:
    truth = np.asarray(truth, np.int64)
    return Predictions(
        tracks or tuple(f"t{i}" for i in range(len(truth))),
        np.zeros(len(truth)),
        truth,
        np.asarray(probabilities, np.float64),
    )


def _random(count: int, classes: int = 4, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=count)
    logits = rng.standard_normal((count, classes))
    logits[np.arange(count), truth] += 1
    exponents = np.exp(logits)
    return _predictions(truth, exponents / exponents.sum(axis=1, keepdims=True))


def _decided(truth: list[int], decided: list[int], classes: int = 4) -> Predictions:
    return _predictions(truth, 0.7 * np.eye(classes)[decided] + 0.3 / classes)


def test_scores_are_what_a_calculation_by_hand_gives() -> None:
    result = scores(_decided([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0]), LABELS[:3])
    assert result.count == 6
    assert result.accuracy == pytest.approx(4 / 6)
    assert result.confusion == ((2, 1, 0), (0, 2, 0), (1, 0, 0))
    blues, jazz, metal = (asdict(result.per_genre[label]) for label in LABELS[:3])
    assert blues == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "support": 3})
    assert jazz == pytest.approx({"precision": 2 / 3, "recall": 1, "f1": 0.8, "support": 2})
    assert metal == {"precision": 0, "recall": 0, "f1": 0, "support": 1}
    assert result.macro_f1 == pytest.approx((2 / 3 + 0.8 + 0) / 3)


def test_scores_are_those_of_scikit_learn() -> None:
    predictions = _random(200)
    result, truth, p = scores(predictions, LABELS), predictions.truth, predictions.probabilities
    decided = p.argmax(axis=1)
    assert result.accuracy == pytest.approx(metrics.accuracy_score(truth, decided))
    assert result.macro_f1 == pytest.approx(metrics.f1_score(truth, decided, average="macro"))
    assert result.log_loss == pytest.approx(metrics.log_loss(truth, p))
    assert result.roc_auc == pytest.approx(metrics.roc_auc_score(truth, p, multi_class="ovr"))
    assert result.top3_accuracy == pytest.approx(metrics.top_k_accuracy_score(truth, p, k=3))
    assert np.array_equal(result.confusion, metrics.confusion_matrix(truth, decided))
    assert result.top3_accuracy is not None
    assert 0.3 < result.accuracy < result.top3_accuracy < 1


def test_scores_are_plain_values_that_json_can_hold() -> None:
    text = json.dumps(asdict(scores(_random(30), LABELS)), allow_nan=False)
    assert json.loads(text)["count"] == 30


def test_a_genre_without_examples_neither_helps_nor_harms() -> None:
    predictions = _random(60, classes=3)
    wider = np.hstack([predictions.probabilities, np.zeros((60, 1))])
    few = scores(predictions, LABELS[:3])
    more = scores(_predictions(predictions.truth, wider), LABELS)
    for name in ("macro_f1", "roc_auc", "log_loss", "accuracy", "calibration_error"):
        assert getattr(more, name) == pytest.approx(getattr(few, name)), name
    assert more.per_genre["rock"] == GenreScores(precision=0, recall=0, f1=0, support=0)


def test_a_genre_that_is_only_predicted_lowers_the_f1_of_others_alone() -> None:
    result = scores(_decided([0, 0, 1, 1], [0, 3, 1, 1]), LABELS)
    assert result.macro_f1 == pytest.approx((2 / 3 + 1) / 2)


def test_a_truth_of_one_genre_has_scores_but_no_roc_auc() -> None:
    result = scores(_decided([2, 2, 2], [2, 2, 0]), LABELS)
    assert result.roc_auc is None
    assert result.accuracy == result.per_genre["metal"].recall == pytest.approx(2 / 3)
    assert np.array(result.confusion).shape == (4, 4)
    assert result.macro_f1 == pytest.approx(0.8)


def test_among_three_genres_at_most_the_best_three_say_nothing() -> None:
    result = scores(_decided([0, 1, 1], [1, 0, 1], classes=2), LABELS[:2])
    assert result.top3_accuracy is None
    assert result.accuracy == pytest.approx(1 / 3)


def test_the_best_three_are_counted_by_rank() -> None:
    row = [0.4, 0.3, 0.2, 0.1]
    assert scores(_predictions([2, 3], [row, row]), LABELS).top3_accuracy == 0.5


def test_roc_auc_is_perfect_reversed_or_even() -> None:
    truth = np.array([0, 0, 1, 1])
    right = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    assert roc_auc(right, truth) == 1
    assert roc_auc(right[:, ::-1], truth) == 0
    assert roc_auc(np.full((4, 2), 0.5), truth) == 0.5


def test_a_certain_and_wrong_answer_has_a_finite_log_loss() -> None:
    result = scores(_predictions([0, 1], [[0.0, 1.0], [0.0, 1.0]]), LABELS[:2])
    assert result.log_loss == pytest.approx(-np.log(1e-7) / 2)


@pytest.mark.parametrize(
    ("confidence", "right", "expected"),
    [
        ([1.0, 1.0], [True, True], 0.0),
        ([1.0, 1.0], [False, False], 1.0),
        ([0.8] * 5, [True] * 4 + [False], 0.0),
        ([0.9] * 10, [True] * 5 + [False] * 5, 0.4),
        ([0.6, 0.6, 0.95, 0.95], [True, False, True, True], (2 * 0.1 + 2 * 0.05) / 4),
        ([0.6, 0.95], [True, False], (0.4 + 0.95) / 2),
    ],
)
def test_the_calibration_error_of_known_cases(
    confidence: list[float], right: list[bool], expected: float
) -> None:
    probabilities = np.array([[c, 1 - c] for c in confidence])
    truth = np.where(right, 0, 1).astype(np.int64)
    assert calibration_error(probabilities, truth) == pytest.approx(expected, abs=1e-9)


def test_calibrated_predictions_have_a_small_calibration_error() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 20_000)
    truth = (rng.random((20_000, 1)) > probabilities.cumsum(axis=1)).sum(axis=1).clip(max=3)
    assert calibration_error(probabilities, truth) < 0.02
    sharpened: NDArray[np.float64] = probabilities**3 / (probabilities**3).sum(
        axis=1, keepdims=True
    )
    assert calibration_error(sharpened, truth) > 0.1


def _by_artist(predictions: Predictions, tracks_each: int) -> dict[str, str]:
    """Return an artist for each track, who has so many of them."""
    return {track: f"a{row // tracks_each}" for row, track in enumerate(predictions.tracks)}


def test_four_tracks_that_are_all_right_have_the_interval_of_wilson_and_not_a_point() -> None:
    result = scores(_decided([0, 1, 2, 3], [0, 1, 2, 3]), LABELS)
    assert result.accuracy_interval == pytest.approx((0.5101, 1), abs=1e-4)
    assert result.macro_f1_interval == pytest.approx((0.5101, 1), abs=1e-4)
    wrong = scores(_decided([0, 1, 2, 3], [1, 2, 3, 0]), LABELS)
    assert wrong.accuracy_interval == pytest.approx((0, 0.4899), abs=1e-4)
    assert wrong.macro_f1_interval == pytest.approx((0, 0.4899), abs=1e-4)


def test_one_track_says_next_to_nothing_however_many_segments_it_has() -> None:
    single = _predictions([0] * 30, np.eye(4)[[0, 1, 0] * 10], tracks=("a",) * 30)
    for low, high in (scores(single, LABELS).accuracy_interval, _f1_interval(single)):
        assert high - low > 0.7


def _f1_interval(
    predictions: Predictions, artists: dict[str, str] | None = None
) -> tuple[float, float]:
    found = scores(predictions, LABELS, artists).macro_f1_interval
    assert found is not None
    return found


def test_every_interval_holds_its_score() -> None:
    for seed in range(20):
        result = scores(_random(4 + 3 * seed, seed=seed), LABELS)
        assert result.macro_f1_interval is not None
        for score, (low, high) in (
            (result.accuracy, result.accuracy_interval),
            (result.macro_f1, result.macro_f1_interval),
        ):
            assert 0 <= low <= score <= high <= 1
            assert low < high


def test_equal_segments_add_no_certainty() -> None:
    decided = [0] * 14 + [1] * 6
    tracks = _decided([0] * 20, decided, classes=2)
    rows = np.repeat(np.arange(20), 10)
    segments = _predictions(
        tracks.truth[rows], tracks.probabilities[rows], tuple(f"t{row}" for row in rows)
    )
    for name in ("accuracy_interval", "macro_f1_interval", "clusters"):
        few, many = (scores(each, LABELS[:2]) for each in (tracks, segments))
        assert getattr(many, name) == pytest.approx(getattr(few, name))


def test_segments_that_are_right_or_wrong_by_themselves_add_certainty() -> None:
    predictions = _random(200)
    of_tracks = replace(predictions, tracks=tuple(f"t{row // 10}" for row in range(200)))
    lonely, crowded = (
        np.ptp(scores(p, LABELS).accuracy_interval) for p in (predictions, of_tracks)
    )
    on_twenty = np.ptp(scores(_random(20), LABELS).accuracy_interval)
    assert lonely <= crowded < on_twenty


def test_under_a_split_by_artist_the_artists_are_what_is_independent() -> None:
    # Whether a track is right depends on its artist alone: 40 tracks are no more than 8 artists.
    right = np.repeat([1, 1, 1, 0, 1, 0, 1, 1], 5)
    predictions = _decided([0] * 40, [0 if hit else 1 for hit in right], classes=2)
    by_track, by_artist = (
        scores(predictions, LABELS[:2], artists)
        for artists in (None, _by_artist(predictions, tracks_each=5))
    )
    assert (by_track.cluster, by_track.clusters) == ("track", 40)
    assert (by_artist.cluster, by_artist.clusters) == ("artist", 8)
    assert by_artist.accuracy_interval == pytest.approx((0.4093, 0.9285), abs=1e-4)
    assert np.ptp(by_artist.accuracy_interval) > 1.5 * np.ptp(by_track.accuracy_interval)
    assert by_artist.accuracy == by_track.accuracy


def test_a_track_without_an_artist_stands_for_itself_whatever_it_is_called() -> None:
    predictions = _decided([0, 0, 1, 1], [0, 0, 1, 0])
    assert scores(predictions, LABELS, {"t0": "x", "t1": "x", "t2": "t3"}).clusters == 3


def test_a_rare_genre_makes_macro_f1_less_certain_than_accuracy() -> None:
    truth = [0] * 97 + [1] * 3
    result = scores(_decided(truth, truth), LABELS[:4])
    assert result.macro_f1_interval is not None
    assert np.ptp(result.macro_f1_interval) > 4 * np.ptp(result.accuracy_interval)


def test_genres_that_a_part_lacks_are_named() -> None:
    result = scores(_decided([0, 0, 2], [0, 3, 2]), LABELS)
    assert result.absent == result.left_out == ("jazz", "rock")
    assert scores(_decided([0, 1, 2, 3], [0, 0, 0, 0]), LABELS).absent == ()


def test_the_bins_of_the_calibration_say_what_the_error_is_made_of() -> None:
    predictions = _random(300)
    result = scores(predictions, LABELS)
    assert result.calibration is not None
    assert len(result.calibration) == 15
    assert sum(each.count for each in result.calibration) == 300
    gaps = [
        each.count * abs(each.accuracy - each.confidence)
        for each in result.calibration
        if each.accuracy is not None and each.confidence is not None
    ]
    assert sum(gaps) / 300 == pytest.approx(result.calibration_error)
    # With four genres the most probable one has a quarter at least.
    assert result.calibration[0] == CalibrationBin(0, None, None)


@pytest.mark.parametrize(("tracks", "shown"), [(499, False), (500, True)])
def test_the_calibration_error_is_shown_from_500_independent_examples_on(
    tracks: int, shown: bool
) -> None:
    result = scores(_random(tracks), LABELS)
    assert (result.shown_calibration_error is not None) is shown
    assert result.calibration_error > 0


def test_segments_of_few_tracks_are_too_few_for_a_calibration_error() -> None:
    predictions = _random(600)
    few = replace(predictions, tracks=tuple(f"t{row // 3}" for row in range(600)))
    assert scores(few, LABELS).shown_calibration_error is None
