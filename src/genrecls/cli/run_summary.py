"""The scores of a run as a table for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from genrecls.evaluation.metrics import Scores
from genrecls.reports.tables import Column, Table
from genrecls.runs.metrics import PartMetrics, RunMetrics
from genrecls.runs.run import Run

if TYPE_CHECKING:
    from rich.console import Group


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
        score_table({"validation": metrics.validation, "test": metrics.test}).to_terminal(),
        Text(f"model  {run.model_file}\nreport {run.report_file}"),
    )


def score_table(parts: Mapping[str, PartMetrics]) -> Table:
    """Return a table with two columns for each part, its scores per segment and per track."""
    places = [(name, unit) for name in parts for unit in ("segment", "track")]
    scores = [parts[name].of(unit) for name, unit in places]
    rows = [[row, *map(text, scores)] for row, text in ROWS.items()]
    baselines = [parts[name].baseline.get(unit) for name, unit in places]
    texts = [f"{b.accuracy:.3f}, macro-F1 {b.macro_f1:.3f}" if b else "-" for b in baselines]
    rows.insert(list(ROWS).index("macro-F1") + 1, ["majority baseline", *texts])
    heads = [Column(f"{name}, per {unit}", "number") for name, unit in places]
    return Table(("score", *heads), rows)


def describe(metrics: RunMetrics) -> str:
    """Return data set and split of a result with everything that must be said of them."""
    dataset, split = metrics.dataset, metrics.split
    generated = " (generated data, not real music)" if dataset.generated else ""
    note = f" [{split.caveat}]" if split.caveat else ""
    return f"data {dataset.name}{generated}, split {split.name}{note}"
