"""How much worse a model is on degraded music: paired with the same tracks as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genrecls.evaluation.paired_tests import PairedDecisions, interval, pair
from genrecls.evaluation.significance import Difference

CLEAN = "clean"
"""The name of the tracks as they are, beside those of `degradations.STANDARD`."""


@dataclass(frozen=True)
class RobustnessScore:
    """The accuracy per track under one degradation.

    Attributes:
        interval: 95 %, of the accuracy.
        difference: to the accuracy on the same tracks as they are; None for that itself.
    """

    accuracy: float
    interval: tuple[float, float]
    difference: Difference | None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> RobustnessScore:
        """Return the score that `dataclasses.asdict` has written."""
        gap = values["difference"]
        if gap is not None:
            gap = Difference(gap["mean"], tuple(gap["interval"]), gap["p"])
        return cls(values["accuracy"], tuple(values["interval"]), gap)


def robustness_scores(
    decisions: Mapping[str, Sequence[PairedDecisions]],
) -> dict[str, RobustnessScore]:
    """Return the scores under each degradation.

    Args:
        decisions: by degradation, `CLEAN` among them, the decisions of one run or of several, such
            as the folds of a split.
    """
    clean = decisions[CLEAN]
    return {
        name: RobustnessScore(
            accuracy=float(np.concatenate([run.right for run in runs]).mean()),
            interval=interval(runs),
            difference=None if name == CLEAN else pair(runs, clean).difference,
        )
        for name, runs in decisions.items()
    }
