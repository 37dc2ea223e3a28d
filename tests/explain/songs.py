"""A classifier with random weights, and noise for it to hear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from genrecls.config.validation import select, validate
from genrecls.features.base import FEATURES
from genrecls.features.segmentation import SegmentRule
from genrecls.inference.keras_predictor import KerasPredictor
from genrecls.models.base import ModelFamily, Normalisation
from genrecls.runs.model_file import ModelCard
from tests.composed import conf_values
from tests.models.families import family

RATE = 22050
LABELS = ("blues", "jazz", "rock")


def classifier(
    model: str | ModelFamily = "cnn", features: str = "mfcc", **changes: Any
) -> KerasPredictor:
    """Return a classifier of one family on one representation; `changes` are of its card."""
    chosen = family(model) if isinstance(model, str) else model
    fields: dict[str, Any] = {
        "labels": LABELS,
        "features": select(FEATURES, conf_values(f"features/{features}")),
        "segment": validate(SegmentRule, conf_values("segment/3s"), "segment"),
        "vote": "mean",
        "run": "toy-run",
        "dataset": "toy",
        "split": "track",
        "leaks": (),
        "generated": False,
        "test": {unit: {"accuracy": 0.75, "macro_f1": 0.7} for unit in ("segment", "track")},
    }
    card = ModelCard(**{**fields, **changes})
    shapes = card.segment.shapes(card.features)
    statistics = {
        name: Normalisation(np.full(shape[-1], -5.0), np.full(shape[-1], 2500.0))
        for name, shape in shapes.items()
    }
    return KerasPredictor(chosen.build(shapes, len(LABELS), statistics), card)


def song(path: Path, seconds: float) -> Path:
    """Write noise whose loudness wanders, so that no two segments sound alike."""
    count = round(seconds * RATE)
    loudness = 0.05 + 0.2 * np.abs(np.sin(np.arange(count) / RATE / 2))
    noise = np.random.default_rng(0).standard_normal(count)
    soundfile.write(path, (loudness * noise).clip(-1, 1), RATE)
    return path
