"""The scores of a finished run as names and numbers, which is all that trackers know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genrecls.evaluation.metrics import FEWEST_FOR_CALIBRATION
from genrecls.runtime.marks import leak_mark


def provenance_tags(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands beside every score: what the data are, and what the split leaks."""
    split = metrics["split"]
    return {
        "data": metrics["dataset"]["title"],
        "split": f"{split['name']}{leak_mark(split['leaks'])}",
    }


def final_scores(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return `test/track/accuracy` and so on, the model's size and the seconds of each stage.

    The calibration error of few tracks is mostly noise and left out.

    Args:
        metrics: content of `metrics.json`.
    """
    groups = {
        f"{part}/{unit}": scores
        for part, units in metrics["parts"].items()
        for unit, scores in units.items()
        if unit in {"segment", "track"}
    }
    # Not `seconds`, which an epoch has: a folder of MLflow cannot have both.
    groups |= {"model": metrics["model"], "time": metrics["seconds"]}
    return {
        f"{group}/{name}": float(value)
        for group, values in groups.items()
        for name, value in values.items()
        if isinstance(value, int | float) and not (name == "calibration_error" and _few(values))
    }


def _few(scores: Mapping[str, Any]) -> bool:
    """Return whether the calibration error of these scores is mostly noise."""
    return int(scores.get("clusters") or scores["count"]) < FEWEST_FOR_CALIBRATION
