"""`genrecls runs`: what is in the output folder, newest first, with its scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from genrecls.cli.parser import refuse_words
from genrecls.cli.verbs import parser_of
from genrecls.console import show
from genrecls.errors import RunError
from genrecls.runs.run import Run, all_runs
from genrecls.runtime.description import leak_mark


def main(words: Sequence[str]) -> int:
    """List the runs as a table or as JSON."""
    options = parser_of("runs").read(words)
    refuse_words(options.words)
    rows = [_row(run) for run in all_runs(options.output_root)]
    if options.format == "json":
        show(json.dumps(rows, indent=2, ensure_ascii=False))
    elif rows:
        show(_table(rows))
    else:
        show(f"no runs in {options.output_root.absolute()}; make one with 'genrecls train'")
    return 0


def _row(run: Run) -> dict[str, Any]:
    state = run.state
    row: dict[str, Any] = {
        "run": run.name,
        "status": _status(run),
        "changed": str(state.get("changed", "")),
        "command": str(state.get("command", "")),
    }
    if not run.finished:
        return row
    try:
        metrics = run.read_metrics()
    except RunError:
        return {**row, "status": "damaged"}
    return {
        **row,
        "dataset": metrics.dataset.name,
        "generated": metrics.dataset.generated,
        "split": metrics.split.name,
        "leaks": list(metrics.split.leaks),
        "leaky": metrics.split.leaky,
        "seed": metrics.seed,
        "validation_track_accuracy": metrics.validation.track.accuracy,
        "test_track_accuracy": metrics.test.track.accuracy,
        "test_track_accuracy_interval": list(metrics.test.track.accuracy_interval),
        "test_track_macro_f1": metrics.test.track.macro_f1,
        "parameters": metrics.model.parameters,
    }


def _status(run: Run) -> str:
    status = str(run.state.get("status", "unknown"))
    # Who was killed could not say so.
    if status == "finished" and not run.finished:
        return "incomplete"
    return "interrupted" if status == "running" and not run.busy else status


def _table(rows: Sequence[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table()
    for name in ("run", "status", "data", "split", "seed"):
        table.add_column(name, overflow="fold")
    for name in ("validation, per track", "test, per track", "test macro-F1", "parameters"):
        table.add_column(name, justify="right")
    table.add_column("changed (UTC)")
    for row in rows:
        table.add_row(
            row["run"],
            row["status"],
            _data(row),
            f"{row['split']}{leak_mark(row['leaks'])}" if "split" in row else "",
            str(row.get("seed", "")),
            *_scores(row),
            row["changed"][:16].replace("T", " "),
        )
    return table


def _data(row: dict[str, Any]) -> str:
    generated = " (generated)" if row.get("generated") else ""
    return f"{row.get('dataset', '')}{generated}"


def _scores(row: dict[str, Any]) -> tuple[str, str, str, str]:
    if "test_track_accuracy" not in row:
        return ("", "", "", "")
    low, high = row["test_track_accuracy_interval"]
    return (
        f"{row['validation_track_accuracy']:.3f}",
        f"{row['test_track_accuracy']:.3f} [{low:.3f}, {high:.3f}]",
        f"{row['test_track_macro_f1']:.3f}",
        f"{row['parameters']:,}",
    )
