"""A run and a training for trackers to watch, made of values alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genrecls.runs.run import Run
from genrecls.training.checkpoint import Progress

SETTINGS: dict[str, Any] = {
    "model": {"name": "cnn", "head": {"units": [64, 32], "dropout": 0.3}},
    "trainer": {"epochs": 3, "patience": None},
    "seed": 0,
}
_SCORES = {
    "accuracy": 0.75,
    "macro_f1": 0.5,
    "accuracy_interval": [0.5, 1.0],
    "per_genre": {"jazz": {"f1": 0.5}},
    "confusion": [[1, 0], [0, 1]],
}
METRICS: dict[str, Any] = {
    "seed": 0,
    "dataset": {"title": "synth: generated, not real music"},
    "split": {"name": "segment", "leaks": ["track"]},
    "parts": {
        part: {"segment": _SCORES, "track": _SCORES, "baseline": {"track": 0.5}}
        for part in ("validation", "test")
    },
    "model": {"name": "cnn", "parameters": 1234, "macs": 5678},
    "seconds": {"features": 1.5, "training": 6.0},
}


def started_run(root: Path, name: str = "synth-mfcc-cnn-01234567") -> Run:
    """Return a run that has begun."""
    run = Run(root / name)
    run.folder.mkdir(parents=True)
    run.mark("running", command="genrecls train")
    return run


def after(epochs: int) -> Progress:
    """Return how far a training is after so many epochs of 2 s each."""
    rows = [
        {
            "epoch": number,
            "loss": 1 / number,
            "accuracy": 0.5,
            "validation_loss": 2 / number,
            "validation_accuracy": 0.25,
            "learning_rate": 0.1,
            "seconds": 2.0,
        }
        for number in range(1, epochs + 1)
    ]
    return Progress(epoch=epochs, seconds=2.0 * epochs, history=rows, best_epoch=epochs)
