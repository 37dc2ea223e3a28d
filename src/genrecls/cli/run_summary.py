"""The scores of a run as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genrecls.runs.run import Run

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

ROWS = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "baseline": "majority baseline",
    "top3_accuracy": "top-3 accuracy",
    "roc_auc": "ROC-AUC",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}


def summary(run: Run) -> Group:
    """Return the scores of a finished run, each column naming its part and unit."""
    from rich.console import Group
    from rich.text import Text

    metrics = run.read_metrics()
    columns = [(part, unit) for part in ("validation", "test") for unit in ("segment", "track")]
    return Group(
        Text(run.name, style="bold"),
        Text(describe(metrics)),
        score_table(metrics["parts"], columns),
        Text(f"model  {run.model}\nreport {run.report}"),
    )


def score_table(parts: dict[str, Any], columns: list[tuple[str, str]]) -> Table:
    """Return a table with a column for each (part, unit)."""
    from rich.table import Table

    table = Table()
    table.add_column("score")
    for part, unit in columns:
        table.add_column(f"{part}, per {unit}", justify="right")
    for key, name in ROWS.items():
        table.add_row(name, *(_cell(_scores(parts[part], unit), key) for part, unit in columns))
    table.add_row("examples", *(str(parts[part][unit]["count"]) for part, unit in columns))
    return table


def describe(metrics: Mapping[str, Any]) -> str:
    """Return data set and split of a result with everything that must be said of them."""
    dataset, split = metrics["dataset"], metrics["split"]
    generated = " (generated data, not real music)" if dataset["generated"] else ""
    note = f" [{split['caveat']}]" if split["caveat"] else ""
    return f"data {dataset['name']}{generated}, split {split['name']}{note}"


def _scores(part: Mapping[str, Any], unit: str) -> dict[str, Any]:
    """Return the scores of one unit with the baseline, which `evaluate` may not have."""
    return {**part[unit], "baseline": part.get("baseline", {}).get(unit)}


def _cell(scores: dict[str, Any], key: str) -> str:
    value = scores[key]
    if value is None:
        return "-"
    if key == "baseline":
        return f"{value['accuracy']:.3f}, macro-F1 {value['macro_f1']:.3f}"
    if key == "accuracy":
        low, high = scores["accuracy_interval"]
        return f"{value:.3f} [{low:.3f}, {high:.3f}]"
    return f"{value:.3f}"
