"""Whether an exported file may be used."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.evaluation.predictions import Predictions
from genrecls.export.settings import GateBounds
from genrecls.export.verify.parity import compare, reason_to_reject
from genrecls.runs.export_facts import Agreement

ANYTHING = GateBounds(difference=None, decisions=None, accuracy=None)


def predictions(probabilities: NDArray[np.float64]) -> Predictions:
    """Return predictions of tracks with two segments each, whose genre is always 0."""
    count = len(probabilities)
    return Predictions(
        tracks=tuple(f"t{row // 2}" for row in range(count)),
        starts=np.zeros(count),
        truth=np.zeros(count, np.int64),
        probabilities=probabilities,
    )


@pytest.fixture
def model() -> NDArray[np.float64]:
    first = np.linspace(0.55, 0.95, 40)
    return np.stack([first, 1 - first], axis=1)


def agreement(model: NDArray[np.float64], file: NDArray[np.float64]) -> Agreement:
    return compare(predictions(model), predictions(file), "mean", ("validation", "test"))


def test_equal_answers_pass_every_bound(model: NDArray[np.float64]) -> None:
    found = agreement(model, model)
    assert (found.difference, found.decisions, found.track_accuracy_lost) == (0, 1, 0)
    assert (found.segments, found.tracks) == (40, 20)
    strict = GateBounds(difference=1e-9, decisions=1.0, accuracy=0.0)
    assert reason_to_reject(found, strict, "gate.int8") is None


def test_the_largest_difference_of_any_probability_counts(model: NDArray[np.float64]) -> None:
    file = model.copy()
    file[17] += (0.02, -0.02)
    found = agreement(model, file)
    assert found.difference == pytest.approx(0.02)
    assert reason_to_reject(found, GateBounds(0.03, None, None), "gate.int8") is None
    reason = str(reason_to_reject(found, GateBounds(0.01, None, None), "gate.int8"))
    assert "differs by 0.02" in reason


def test_decisions_that_change_are_counted_as_a_share(model: NDArray[np.float64]) -> None:
    file = model.copy()
    file[:2] = file[:2, ::-1]
    found = agreement(model, file)
    assert found.decisions == pytest.approx(0.95)
    reason = str(reason_to_reject(found, GateBounds(None, 0.98, None), "gate.int8"))
    assert "95 % of the decisions" in reason
    assert reason.endswith("(gate.int8.decisions)")


def test_accuracy_per_track_may_fall_by_the_bound_and_no_further(
    model: NDArray[np.float64],
) -> None:
    file = model.copy()
    file[:4] = [0.1, 0.9]
    found = agreement(model, file)
    assert found.track_accuracy_lost == pytest.approx(0.1)
    assert reason_to_reject(found, GateBounds(None, None, 0.1), "gate.int8") is None
    assert "10 points" in str(reason_to_reject(found, GateBounds(None, None, 0.09), "gate.int8"))


def test_one_track_may_always_be_lost_for_less_cannot_be_seen(model: NDArray[np.float64]) -> None:
    file = model.copy()
    file[:2] = [0.1, 0.9]
    found = agreement(model, file)
    assert found.track_accuracy_lost == pytest.approx(0.05)
    assert reason_to_reject(found, GateBounds(None, None, 0.01), "gate.int8") is None


def test_a_file_that_is_better_by_chance_passes(model: NDArray[np.float64]) -> None:
    worse = model[:, ::-1]
    found = agreement(worse, model)
    assert reason_to_reject(found, GateBounds(None, None, 0.0), "gate.int8") is None


def test_outputs_that_are_not_numbers_fail_without_any_bound(model: NDArray[np.float64]) -> None:
    file = model.copy()
    file[3, 0] = np.nan
    found = agreement(model, file)
    assert reason_to_reject(found, ANYTHING, "gate.int8") == "its outputs are not numbers"
    # And the reason can be written: JSON has no number for it.
    assert found.difference is None
    json.dumps(asdict(found), allow_nan=False)


def test_a_constant_answer_fails_without_any_bound(model: NDArray[np.float64]) -> None:
    file = np.tile([0.7, 0.3], (len(model), 1))
    assert (
        reason_to_reject(agreement(model, file), ANYTHING, "gate.int8")
        == "it answers the same to every segment"
    )


def test_a_model_that_is_constant_itself_may_stay_so() -> None:
    same = np.tile([0.7, 0.3], (8, 1))
    assert reason_to_reject(agreement(same, same), ANYTHING, "gate.int8") is None
