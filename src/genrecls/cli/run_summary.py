"""A run for the terminal: its scores, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rich.filesize import decimal

from genrecls.comparison.config_diff import differing_from_defaults, title_of, written
from genrecls.console import several, show
from genrecls.errors import RunError
from genrecls.evaluation.class_balance import MajorityBaseline
from genrecls.evaluation.metrics import Scores
from genrecls.files.tables import json_text
from genrecls.reports.score_notes import score_notes
from genrecls.reports.tables import Column, Table
from genrecls.runs.metrics import PartMetrics, RunMetrics
from genrecls.runs.run import Run
from genrecls.runtime.marks import pretraining_mark

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


def show_run(run: Run, row: Mapping[str, Any], format: str) -> None:  # noqa: A002
    """Print what a run is: its state, settings that differ from the defaults, scores and files.

    Args:
        run: the run; what is damaged or not there yet is left out.
        row: what the list of runs says of it.
        format: `table` or `json`.
    """
    settings: dict[str, tuple[Any, Any]] = {}
    metrics: RunMetrics | None = None
    with suppress(RunError):
        settings = differing_from_defaults(run.read_config())
    with suppress(RunError):
        metrics = run.read_metrics()
    files = {
        place.name: sum(
            path.stat().st_size for path in (place, *place.rglob("*")) if path.is_file()
        )
        for place in sorted(run.folder.iterdir())
        if not place.name.startswith(".")
    }
    if format == "json":
        about = {
            **row,
            "folder": str(run.folder.absolute()),
            "settings": {key: {"value": a, "default": b} for key, (a, b) in settings.items()},
            "files": files,
        }
        scores = metrics.to_json() if metrics else {}
        about |= {key: scores[key] for key in ("dataset", "split", "parts") if key in scores}
        show(json_text(about))
        return

    from rich.text import Text

    show(Text(run.name, style="bold"))
    show(
        "\n".join(
            f"{name:<8}{row[key]}"
            for name, key in (
                ("status", "status"),
                ("reason", "reason"),
                ("of", "sweep"),
                ("changed", "changed"),
                ("command", "command"),
            )
            if row.get(key)
        )
    )
    if settings:
        rows = [(title_of(key), written(a), written(b)) for key, (a, b) in settings.items()]
        show(Table(("setting", "value", "default"), rows).to_terminal())
    if metrics:
        show(describe(metrics))
        counts = metrics.split.counts.items()
        show(", ".join(f"{part} {several(count.tracks, 'track')}" for part, count in counts))
        parts = {"validation": metrics.validation, "test": metrics.test}
        show(score_table(parts).to_terminal())
    sizes = [(name, decimal(size)) for name, size in files.items()]
    title = f"files in {run.folder.absolute()}"
    show(Table(("file", Column("size", "number")), sizes, title).to_terminal())


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
    mark = pretraining_mark(metrics.model.pretraining)
    return f"data {dataset.name}{generated}, split {split.name}{note}{mark and f', {mark}'}"
