"""A plausible finished run, made of values alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genrecls.explain.examples_per_genre import ExampleInputs
from genrecls.reports.run import RunReport


def scores_of(confusion: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    total = int(confusion.sum())
    accuracy = float(np.trace(confusion) / total)
    genre = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3}
    return {
        "count": total,
        "accuracy": accuracy,
        "accuracy_interval": [accuracy - 0.1, min(1.0, accuracy + 0.05)],
        "macro_f1": 0.789,
        "top3_accuracy": 0.95,
        "roc_auc": 0.9,
        "log_loss": 0.81,
        "calibration_error": 0.06,
        "confusion": confusion.tolist(),
        "per_genre": {
            label: {**genre, "support": int(row.sum())}
            for label, row in zip(labels, confusion, strict=True)
        },
    }


def genres_of(segments: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return the counts by genre of a part that has so many segments, two a track."""
    return {"segment": dict(segments), "track": {name: n // 2 for name, n in segments.items()}}


def metrics_of(labels: Sequence[str], wrong: int, **split: object) -> dict[str, Any]:
    confusion = np.eye(len(labels), dtype=int) * 7
    confusion[0, -1] = wrong
    units = {name: scores_of(confusion * k, labels) for name, k in (("track", 1), ("segment", 5))}
    sizes = {"tracks": 10, "segments": 50, "genres": genres_of(dict.fromkeys(labels, 5))}
    baseline = {"genre": labels[0], "accuracy": 0.391, "macro_f1": 0.187}
    units["baseline"] = {"track": baseline, "segment": {**baseline, "accuracy": 0.402}}
    return {
        "dataset": {"name": "made", "title": "Made up", "generated": False, "tracks": 30},
        "split": {
            "name": "artist",
            "leaks": [],
            "caveat": "",
            "counts": {part: dict(sizes) for part in ("train", "validation", "test")},
            **split,
        },
        "vote": "mean",
        "selection": {"epoch": 2, "epochs": 3, "monitor": "validation loss", "value": 0.5},
        "labels": list(labels),
        "parts": {"validation": dict(units), "test": dict(units)},
        "rejected": [],
        "model": {"name": "cnn", "parameters": 78282, "macs": None},
        "seconds": {"training": 61.0},
    }


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
    **split: object,
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
