"""What a search looks for: figures of the validation part, and the size of the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from genrecls.reports.numbers import count, decimal, finite

ObjectiveName = Literal["accuracy", "macro_f1", "loss", "parameters"]


@dataclass(frozen=True)
class Objective:
    """One figure that is made as large or as small as possible.

    Attributes:
        title: what it is called in tables and figures.
        direction: as Optuna calls it.
        place: keys that lead to it in `metrics.json`.
        column: its nearest relation in the rows of `progress.json`; empty where there is none.
    """

    title: str
    direction: Literal["maximize", "minimize"]
    place: tuple[str, ...]
    column: str = ""
    shown: Callable[[float | None], str] = decimal

    @property
    def larger(self) -> bool:
        """Whether more is better."""
        return self.direction == "maximize"

    def of(self, metrics: Mapping[str, Any]) -> float:
        """Return the figure of a finished run; not-a-number where there is none."""
        found: Any = metrics
        for key in self.place:
            found = found[key]
        return finite(found)


# The test part is named nowhere here, and nothing else of a run is ever read by a search.
_TRACKS = ("parts", "validation", "track")
OBJECTIVES: Mapping[ObjectiveName, Objective] = {
    "accuracy": Objective(
        "validation accuracy", "maximize", (*_TRACKS, "accuracy"), "validation_accuracy"
    ),
    "macro_f1": Objective(
        "validation macro-F1", "maximize", (*_TRACKS, "macro_f1"), "validation_accuracy"
    ),
    "loss": Objective("validation log loss", "minimize", (*_TRACKS, "log_loss"), "validation_loss"),
    "parameters": Objective("parameters", "minimize", ("model", "parameters"), shown=count),
}
