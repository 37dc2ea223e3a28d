"""The scores of a run as a table for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from genrecls.evaluation.class_balance import MajorityBaseline
from genrecls.evaluation.metrics import Scores
from genrecls.reports.score_notes import score_notes
from genrecls.reports.tables import Column, Table
from genrecls.runs.metrics import PartMetrics, RunMetrics
from genrecls.runs.run import Run

if TYPE_CHECKING:
    from rich.console import Group


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _bounds(interval: tuple[float, float] | None) -> str:
    return "-" if interval is None else "{:.3f}-{:.3f}".format(*interval)


Cell = Callable[[Scores, MajorityBaseline | None], str]
# Four columns of them have room on a terminal of 80 columns.
ROWS: tuple[tuple[str, Cell], ...] = (
    ("accuracy", lambda scores, _: _number(scores.accuracy)),
    ("  95 % interval", lambda scores, _: _bounds(scores.accuracy_interval)),
    ("  majority baseline", lambda _, base: _number(base.accuracy if base else None)),
    ("macro-F1", lambda scores, _: _number(scores.macro_f1)),
    ("  95 % interval", lambda scores, _: _bounds(scores.macro_f1_interval)),
    ("  majority baseline", lambda _, base: _number(base.macro_f1 if base else None)),
    ("top-3 accuracy", lambda scores, _: _number(scores.top3_accuracy)),
    ("ROC-AUC", lambda scores, _: _number(scores.roc_auc)),
    ("log loss", lambda scores, _: _number(scores.log_loss)),
    ("calibration error", lambda scores, _: _number(scores.shown_calibration_error)),
    ("examples", lambda scores, _: str(scores.count)),
)


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
    columns = [(parts[name].of(unit), parts[name].baseline.get(unit)) for name, unit in places]
    rows = [[name, *(cell(*column) for column in columns)] for name, cell in ROWS]
    heads = [Column(f"{name}, per {unit}", "number") for name, unit in places]
    return Table(("score", *heads), rows, notes=score_notes(parts))


def describe(metrics: RunMetrics) -> str:
    """Return data set and split of a result with everything that must be said of them."""
    dataset, split = metrics.dataset, metrics.split
    generated = " (generated data, not real music)" if dataset.generated else ""
    note = f" [{split.caveat}]" if split.caveat else ""
    return f"data {dataset.name}{generated}, split {split.name}{note}"
