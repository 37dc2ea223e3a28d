"""What a search optimises: scores of the validation part, and the size of the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from genrecls.reports.numbers import count
from genrecls.reports.search import Objective
from genrecls.runs.metrics import RunMetrics

ObjectiveName = Literal["accuracy", "macro_f1", "loss", "parameters"]


@dataclass(frozen=True, kw_only=True)
class SearchObjective(Objective):
    """An objective and where its value comes from.

    Attributes:
        read: its value in the metrics of a finished run.
        column: the nearest number in the rows of `progress.json`; empty where there is none.
    """

    read: Callable[[RunMetrics], float | None]
    column: str = ""


# The test part is named nowhere here, and nothing else of a run is ever read by a search.
OBJECTIVES: Mapping[ObjectiveName, SearchObjective] = {
    "accuracy": SearchObjective(
        "validation accuracy",
        larger=True,
        read=lambda metrics: metrics.validation.track.accuracy,
        column="validation_accuracy",
    ),
    "macro_f1": SearchObjective(
        "validation macro-F1",
        larger=True,
        read=lambda metrics: metrics.validation.track.macro_f1,
        column="validation_accuracy",
    ),
    "loss": SearchObjective(
        "validation log loss",
        larger=False,
        read=lambda metrics: metrics.validation.track.log_loss,
        column="validation_loss",
    ),
    "parameters": SearchObjective(
        "parameters",
        larger=False,
        shown=count,
        read=lambda metrics: metrics.model.parameters,
    ),
}
