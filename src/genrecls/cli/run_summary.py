"""The scores of a run as a table for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from genrecls.evaluation.metrics import Scores
from genrecls.runs.metrics import PartMetrics, RunMetrics
from genrecls.runs.run import Run

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _accuracy(scores: Scores) -> str:
    low, high = scores.accuracy_interval
    return f"{scores.accuracy:.3f} [{low:.3f}, {high:.3f}]"


ROWS: dict[str, Callable[[Scores], str]] = {
    "accuracy": _accuracy,
    "macro-F1": lambda scores: _number(scores.macro_f1),
    "top-3 accuracy": lambda scores: _number(scores.top3_accuracy),
    "ROC-AUC": lambda scores: _number(scores.roc_auc),
    "log loss": lambda scores: _number(scores.log_loss),
    "calibration error": lambda scores: _number(scores.calibration_error),
    "examples": lambda scores: str(scores.count),
}


def summary(run: Run) -> Group:
    """Return the scores of a finished run, each column naming its part and unit."""
    from rich.console import Group
    from rich.text import Text

    metrics = run.read_metrics()
    return Group(
        Text(run.name, style="bold"),
        Text(describe(metrics)),
        score_table({"validation": metrics.validation, "test": metrics.test}),
        Text(f"model  {run.model_file}\nreport {run.report_file}"),
    )


def score_table(parts: Mapping[str, PartMetrics]) -> Table:
    """Return a table with two columns for each part, its scores per segment and per track."""
    from rich.table import Table

    table = Table()
    table.add_column("score")
    columns = [(name, unit) for name in parts for unit in ("segment", "track")]
    for name, unit in columns:
        table.add_column(f"{name}, per {unit}", justify="right")
    for row, text in ROWS.items():
        table.add_row(row, *(text(parts[name].of(unit)) for name, unit in columns))
        if row == "macro-F1":
            baselines = [parts[name].baseline.get(unit) for name, unit in columns]
            texts = [b and f"{b.accuracy:.3f}, macro-F1 {b.macro_f1:.3f}" for b in baselines]
            table.add_row("majority baseline", *(text or "-" for text in texts))
    return table


def describe(metrics: RunMetrics) -> str:
    """Return data set and split of a result with everything that must be said of them."""
    dataset, split = metrics.dataset, metrics.split
    generated = " (generated data, not real music)" if dataset.generated else ""
    note = f" [{split.caveat}]" if split.caveat else ""
    return f"data {dataset.name}{generated}, split {split.name}{note}"
