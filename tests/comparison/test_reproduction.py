from __future__ import annotations

import math
from dataclasses import replace

import pytest

from genrecls.comparison.reproduction import (
    ProtocolScores,
    ReproducedSystem,
    Score,
    protocol_scores,
)
from genrecls.experiment.reproduce import published_presets
from genrecls.runs.metrics import PartMetrics, RunMetrics
from tests.runs.finished_runs import Made, metrics_of

FIGURE = published_presets()["khamees2021_cnn50"]


def scored(*accuracies: float, fixed: bool = False) -> ProtocolScores:
    score = Score(accuracies)
    return ProtocolScores(
        split="some",
        fixed=fixed,
        data="gtzan",
        test={"segment": 400, "track": 100},
        scores={"segment": score, "track": score},
        runs=tuple(f"run{index}" for index in range(len(accuracies))),
    )


def test_a_score_is_mean_and_sample_deviation_over_seeds() -> None:
    assert str(Score((0.6, 0.7, 0.8))) == "0.700 ± 0.100"
    assert str(Score((0.6,))) == "0.600"


def test_the_difference_is_ours_less_theirs_in_their_unit() -> None:
    row = ReproducedSystem("khamees2021_cnn50", FIGURE, {"published": scored(0.70, 0.72)})
    assert row.difference == pytest.approx(0.71 - 0.74)


def test_the_interval_holds_our_seeds_and_their_sampling() -> None:
    row = ReproducedSystem("khamees2021_cnn50", FIGURE, {"published": scored(0.70, 0.72, 0.74)})
    # Student's t for two degrees of freedom is 4.303.
    half = math.hypot(4.303 * 0.02 / math.sqrt(3), 1.96 * math.sqrt(0.74 * 0.26 / 2500))
    assert row.interval == pytest.approx((-0.02 - half, -0.02 + half), abs=1e-4)


def test_a_test_part_that_all_seeds_share_adds_its_own_sampling_to_the_interval() -> None:
    low, high = ReproducedSystem("x", FIGURE, {"published": scored(0.72, 0.72)}).interval or (0, 0)
    fixed_low, fixed_high = ReproducedSystem(
        "x", FIGURE, {"published": scored(0.72, 0.72, fixed=True)}
    ).interval or (0, 0)
    wider = math.hypot((high - low) / 2, 1.96 * math.sqrt(0.72 * 0.28 / 400))
    assert (fixed_high - fixed_low) / 2 == pytest.approx(wider)


def test_a_single_seed_has_no_interval_and_an_absent_protocol_no_difference() -> None:
    assert ReproducedSystem("x", FIGURE, {"published": scored(0.7)}).interval is None
    assert ReproducedSystem("x", FIGURE, {"tracks": scored(0.7, 0.8)}).difference is None
    assert ReproducedSystem("x", FIGURE, {"tracks": scored(0.7, 0.8)}).interval is None


def test_a_cell_says_split_leak_data_and_sizes() -> None:
    found = protocol_scores({"a": metrics(0.5), "b": metrics(0.7)})
    assert found.split == "segment (LEAKY)"
    assert not found.fixed
    assert found.data == "gtzan, 160 tracks"
    assert found.test == {"segment": 200, "track": 120}
    assert found.scores["segment"].values == (0.5, 0.7)
    assert found.runs == ("a", "b")
    assert found.n == 2


def metrics(accuracy: float) -> RunMetrics:
    made = metrics_of(Made(split={"name": "segment"}, leaks=("track", "artist")))
    scores = replace(made.test.segment, accuracy=accuracy, count=200)
    test = PartMetrics(segment=scores, track=replace(scores, count=120))
    dataset = replace(made.dataset, name="gtzan", tracks=160)
    return replace(made, dataset=dataset, parts={**made.parts, "test": test})
