from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from genrecls.evaluation.metrics import (
    GenreScores,
    accuracy_interval,
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
    result = scores(_decided([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0]), LABELS[:3], 0)
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
    result, truth, p = scores(predictions, LABELS, 0), predictions.truth, predictions.probabilities
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
    text = json.dumps(asdict(scores(_random(30), LABELS, 0)), allow_nan=False)
    assert json.loads(text)["count"] == 30


def test_a_genre_without_examples_neither_helps_nor_harms() -> None:
    predictions = _random(60, classes=3)
    wider = np.hstack([predictions.probabilities, np.zeros((60, 1))])
    few = scores(predictions, LABELS[:3], 0)
    more = scores(_predictions(predictions.truth, wider), LABELS, 0)
    for name in ("macro_f1", "roc_auc", "log_loss", "accuracy", "calibration_error"):
        assert getattr(more, name) == pytest.approx(getattr(few, name)), name
    assert more.per_genre["rock"] == GenreScores(precision=0, recall=0, f1=0, support=0)


def test_a_genre_that_is_only_predicted_lowers_the_f1_of_others_alone() -> None:
    result = scores(_decided([0, 0, 1, 1], [0, 3, 1, 1]), LABELS, 0)
    assert result.macro_f1 == pytest.approx((2 / 3 + 1) / 2)


def test_a_truth_of_one_genre_has_scores_but_no_roc_auc() -> None:
    result = scores(_decided([2, 2, 2], [2, 2, 0]), LABELS, 0)
    assert result.roc_auc is None
    assert result.accuracy == result.per_genre["metal"].recall == pytest.approx(2 / 3)
    assert np.array(result.confusion).shape == (4, 4)
    assert result.macro_f1 == pytest.approx(0.8)


def test_among_three_genres_at_most_the_best_three_say_nothing() -> None:
    result = scores(_decided([0, 1, 1], [1, 0, 1], classes=2), LABELS[:2], 0)
    assert result.top3_accuracy is None
    assert result.accuracy == pytest.approx(1 / 3)


def test_the_best_three_are_counted_by_rank() -> None:
    row = [0.4, 0.3, 0.2, 0.1]
    assert scores(_predictions([2, 3], [row, row]), LABELS, 0).top3_accuracy == 0.5


def test_roc_auc_is_perfect_reversed_or_even() -> None:
    truth = np.array([0, 0, 1, 1])
    right = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    assert roc_auc(right, truth) == 1
    assert roc_auc(right[:, ::-1], truth) == 0
    assert roc_auc(np.full((4, 2), 0.5), truth) == 0.5


def test_a_certain_and_wrong_answer_has_a_finite_log_loss() -> None:
    result = scores(_predictions([0, 1], [[0.0, 1.0], [0.0, 1.0]]), LABELS[:2], 0)
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


def test_the_interval_of_an_all_correct_or_a_single_track_is_a_point() -> None:
    right = _decided([0, 1, 2, 3], [0, 1, 2, 3])
    assert accuracy_interval(right, 0) == (1, 1)
    single = _predictions([0, 0, 0], np.eye(4)[[0, 1, 0]], tracks=("a",) * 3)
    assert accuracy_interval(single, 0) == pytest.approx((2 / 3, 2 / 3))


def test_the_interval_holds_the_accuracy_and_depends_on_the_seed_alone() -> None:
    predictions = _random(80)
    low, high = accuracy_interval(predictions, 1)
    accuracy = (predictions.truth == predictions.predicted).mean()
    assert 0 < low < accuracy < high < 1
    assert accuracy_interval(predictions, 1) == (low, high)
    wide = np.sqrt(accuracy * (1 - accuracy) / 80) * 1.96
    assert high - low == pytest.approx(2 * wide, rel=0.15)


def test_the_interval_covers_the_true_accuracy_about_95_times_in_100() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        decided = (rng.random(60) > 0.7).astype(int)
        low, high = accuracy_interval(_decided([0] * 60, decided.tolist(), classes=2), 0)
        covered += low <= 0.7 <= high
    assert 0.88 * 200 <= covered <= 0.99 * 200


def test_whole_tracks_are_drawn_so_that_equal_segments_add_no_certainty() -> None:
    decided = [0] * 14 + [1] * 6
    tracks = _decided([0] * 20, decided, classes=2)
    rows = np.repeat(np.arange(20), 10)
    segments = _predictions(
        tracks.truth[rows], tracks.probabilities[rows], tuple(f"t{row}" for row in rows)
    )
    assert accuracy_interval(segments, 3) == pytest.approx(accuracy_interval(tracks, 3))


def test_tracks_weigh_by_their_segments_in_the_interval() -> None:
    tracks = ("long",) * 9 + ("short",)
    predictions = _predictions([0] * 10, np.eye(2)[[0] * 9 + [1]], tracks)
    assert accuracy_interval(predictions, 0) == (0, 1)
