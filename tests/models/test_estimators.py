from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from genrecls.models.estimators import EstimatorName, EstimatorSettings, Fit, fit

pytestmark = pytest.mark.tensorflow

CHOICE = {"scaling": "robust", "c": 2.0, "gamma": 0.7, "leaf": 1, "neighbours": 3}
CASES = [
    *((name, kernel, 3) for name in get_args(EstimatorName) for kernel in ("rbf",)),
    ("svm", "linear", 3),
    *((name, "rbf", 2) for name in ("svm", "logistic", "boosting")),
]


def clouds(n_classes: int, seed: int = 1) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return 20 overlapping points of each class, in columns of very different sizes."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(n_classes), 20)
    centres = np.random.default_rng(0).standard_normal((n_classes, 5))
    rows = (centres[targets] + rng.standard_normal((len(targets), 5))) * (1, 10, 100, 0.1, 1)
    return rows.astype(np.float32), targets


def trained(name: EstimatorName, kernel: Any, n_classes: int) -> Fit:
    choice = {**CHOICE, "scaling": "none"} if name in {"random_forest", "boosting"} else CHOICE
    settings = EstimatorSettings(name, choice, kernel, trees=8, seed=3)
    return fit(settings, *clouds(n_classes), n_classes)


def network_of(learnt: Fit, columns: int = 5) -> Any:
    import keras

    from genrecls.models.decisions import scale

    source = keras.Input((columns,), name="table")
    row = scale(source, learnt.scaling, "normalise_table")
    return keras.Model({"table": source}, learnt.decision(1.5).apply(row))


@pytest.mark.parametrize(("name", "kernel", "n_classes"), CASES)
def test_the_network_of_an_estimator_answers_as_it_does_and_comes_back_from_a_file(
    name: EstimatorName, kernel: Any, n_classes: int, tmp_path: Path
) -> None:
    import keras

    learnt, (rows, _) = trained(name, kernel, n_classes), clouds(n_classes, seed=2)
    scores = learnt.scores(rows) * (1.5 if learnt.has_margins else 1)
    expected = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    network_of(learnt).save(tmp_path / "model.keras")
    network = keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    answers = network.predict({"table": rows}, verbose=0)
    assert np.ptp(answers, axis=0).min() > 0.1
    np.testing.assert_allclose(answers, expected, atol=2e-5)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_votes_of_pairs_name_the_class_that_scikit_learn_names(n_classes: int) -> None:
    learnt, (rows, _) = trained("svm", "rbf", n_classes), clouds(n_classes, seed=2)
    scaled = (rows - learnt.scaling.mean) / learnt.scaling.deviation if learnt.scaling else rows
    decided = learnt.scores(rows).argmax(axis=1)
    assert (decided == learnt.estimator.predict(scaled)).mean() > 0.98


def test_a_threshold_between_two_numbers_of_single_precision_sends_them_where_it_did() -> None:
    low = np.float32(0.1)
    high = np.nextafter(low, np.float32(1))
    rows = np.array([[low]] * 5 + [[high]] * 5, np.float32)
    settings = EstimatorSettings("extra_trees", {"leaf": 1}, "rbf", trees=4, seed=0)
    learnt = fit(settings, rows, np.repeat([0, 1], 5), 2)
    answers = network_of(learnt, columns=1).predict({"table": rows}, verbose=0)
    np.testing.assert_allclose(answers, learnt.estimator.predict_proba(rows))


def test_a_genre_without_examples_is_the_least_likely_one() -> None:
    rows, targets = clouds(3)
    settings = EstimatorSettings("logistic", CHOICE, "rbf", trees=1, seed=0)
    learnt = fit(settings, rows[targets != 1], targets[targets != 1], 3)
    scores = learnt.scores(rows)
    assert (scores[:, 1] <= scores[:, [0, 2]].min(axis=1)).all()
