"""A plausible finished run, made of values alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from genrecls.evaluation.class_balance import MajorityBaseline
from genrecls.evaluation.metrics import CalibrationBin, GenreScores, Scores
from genrecls.explain.examples_per_genre import ExampleInputs
from genrecls.models.cost import ModelCost
from genrecls.reports.run import RunReport
from genrecls.runs.metrics import (
    DatasetFacts,
    PartCounts,
    PartMetrics,
    RunMetrics,
    Selection,
    SplitFacts,
)
from genrecls.splits.base import Part


def scores_of(confusion: np.ndarray, labels: Sequence[str]) -> Scores:
    total = int(confusion.sum())
    accuracy = float(np.trace(confusion) / total)
    return Scores(
        count=total,
        accuracy=accuracy,
        accuracy_interval=(accuracy - 0.1, min(1.0, accuracy + 0.05)),
        macro_f1=0.789,
        top3_accuracy=0.95,
        roc_auc=0.9,
        log_loss=0.81,
        calibration_error=0.06,
        confusion=tuple(map(tuple, confusion.tolist())),
        per_genre={
            label: GenreScores(0.5, 0.25, 1 / 3, int(row.sum()))
            for label, row in zip(labels, confusion, strict=True)
        },
        macro_f1_interval=(0.7, 0.85),
        cluster="track",
        clusters=total,
        absent=(),
        calibration=(CalibrationBin(0, None, None), CalibrationBin(total, 0.9, accuracy)),
    )


def counts_of(segments: Mapping[str, int]) -> PartCounts:
    """Return the counts by genre of a part that has so many segments, two a track."""
    tracks = {name: number // 2 for name, number in segments.items()}
    return PartCounts(10, 50, {"segment": dict(segments), "track": tracks})


def metrics_of(
    labels: Sequence[str],
    wrong: int,
    name: str = "artist",
    leaks: tuple[str, ...] = (),
    caveat: str = "",
) -> RunMetrics:
    confusion = np.eye(len(labels), dtype=int) * 7
    confusion[0, -1] = wrong
    part = PartMetrics(
        segment=scores_of(confusion * 5, labels),
        track=scores_of(confusion, labels),
        baseline={
            "track": MajorityBaseline(labels[0], 0.391, 0.187),
            "segment": MajorityBaseline(labels[0], 0.402, 0.187),
        },
    )
    counts = counts_of(dict.fromkeys(labels, 5))
    return RunMetrics(
        dataset=DatasetFacts(
            "made",
            "Made up",
            generated=False,
            tracks=30,
            fingerprint="f",
            citation="",
            licence="",
            note="",
        ),
        split=SplitFacts(
            name, leaks, caveat, {"train": counts, "validation": counts, "test": counts}, 0
        ),
        vote="mean",
        seed=7,
        published=None,
        selection=Selection(2, 3, "best", "validation loss", 0.5),
        labels=tuple(labels),
        parts={"validation": part, "test": part},
        rejected=(),
        model=ModelCost("cnn", 78282, 1_500_000),
        seconds={"training": 61.0},
    )


def epochs_of(count: int) -> list[dict[str, Any]]:
    names = ("loss", "accuracy", "validation_loss", "validation_accuracy")
    return [
        {"epoch": epoch, **dict.fromkeys(names, 1 / epoch), "learning_rate": 1e-3, "seconds": 1.0}
        for epoch in range(1, count + 1)
    ]


def finished_run(
    labels: Sequence[str] = ("blues", "jazz", "rock"),
    wrong: int = 2,
    epochs: int = 3,
    **split: Any,
) -> RunReport:
    """Return a report of so many wrong tracks and epochs; `split` are fields of the split."""
    mistake = {"true": labels[0], "predicted": labels[-1], "probability": 0.9}
    pictures = {label: np.eye(8, 4, dtype=np.float32) for label in labels}
    return RunReport(
        name="a-run",
        metrics=metrics_of(labels, wrong, **split),
        history=epochs_of(epochs),
        mistakes=[
            {**mistake, "track": f"t{n}", "path": f"in/t{n}.wav", "true_probability": 0.05}
            for n in range(wrong)
        ],
        examples=ExampleInputs(pictures, ("time", "mel band"), 3.0),
        config_yaml="seed: 7\n",
        environment={"python": "3.11.9"},
        command="genrecls train seed=7",
    )


def changed(report: RunReport, group: str | None = None, /, **values: Any) -> RunReport:
    """Return a report with other values in its metrics, or in one group of them."""
    metrics = report.metrics
    if group is not None:
        values = {group: replace(getattr(metrics, group), **values)}
    return replace(report, metrics=replace(metrics, **values))


def with_counts(report: RunReport, part: Part, segments: Mapping[str, int]) -> RunReport:
    """Return a report of a run with other numbers of segments of each genre in a part."""
    counts = {**report.metrics.split.counts, part: counts_of(segments)}
    return changed(report, "split", counts=counts)
