"""Final scores are names and numbers."""

from __future__ import annotations

from copy import deepcopy

from genrecls.trackers.scores import final_scores
from tests.trackers.runs import METRICS


def test_every_single_number_has_a_name_that_says_part_and_unit() -> None:
    assert final_scores(METRICS) == {
        "validation/segment/accuracy": 0.75,
        "validation/segment/macro_f1": 0.5,
        "validation/track/accuracy": 0.75,
        "validation/track/macro_f1": 0.5,
        "test/segment/accuracy": 0.75,
        "test/segment/macro_f1": 0.5,
        "test/track/accuracy": 0.75,
        "test/track/macro_f1": 0.5,
        "model/parameters": 1234,
        "model/macs": 5678,
        "time/features": 1.5,
        "time/training": 6.0,
    }


def test_a_score_that_does_not_exist_is_left_out() -> None:
    metrics = deepcopy(METRICS)
    metrics["parts"]["test"]["track"]["macro_f1"] = None
    assert "test/track/macro_f1" not in final_scores(metrics)


def test_a_calibration_error_of_few_tracks_is_left_out() -> None:
    metrics = deepcopy(METRICS)
    scores = {"calibration_error": 0.1, "count": 5000}
    metrics["parts"] = {"test": {"track": scores | {"clusters": 499}, "segment": scores}}
    found = final_scores(metrics)
    assert "test/track/calibration_error" not in found
    assert found["test/segment/calibration_error"] == 0.1
