"""`genrecls runs`: what is in the output folder, newest first, with its scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genrecls.cli.parser import refuse_words
from genrecls.cli.verbs import parser_of
from genrecls.console import show
from genrecls.files.tables import json_text
from genrecls.reports.tables import Column, Table
from genrecls.runs.run import Run, all_runs
from genrecls.runtime.description import leak_mark


def main(words: Sequence[str]) -> int:
    """List the runs as a table or as JSON."""
    options = parser_of("runs").read(words)
    refuse_words(options.words)
    rows = [_row(run) for run in all_runs(options.output_root)]
    if options.format == "json":
        show(json_text(rows))
    elif rows:
        show(_table(rows).to_terminal())
    else:
        show(f"no runs in {options.output_root.absolute()}; make one with 'genrecls train'")
    return 0


def _row(run: Run) -> dict[str, Any]:
    """Return what JSON says of a run; scores only where it is finished and not damaged."""
    state, damage = run.state, run.damage
    status = "damaged" if damage else state.get("status", "unknown")
    # A training that was killed could not say so.
    if status == "finished" and not run.finished:
        status = "incomplete"
    elif status == "running" and not run.busy:
        status = "interrupted"
    row: dict[str, Any] = {
        "run": run.name,
        "status": status,
        "changed": state.get("changed", ""),
        "command": state.get("command", ""),
    }
    if damage or not run.finished:
        reason = damage or (state.get("reason") if status == "failed" else "")
        return {**row, "reason": reason} if reason else row
    metrics = run.read_metrics()
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


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    columns = (
        "run",
        "status",
        Column("data", spare=4),
        Column("split", spare=1),
        Column("seed", spare=6),
        Column("validation, per track", "number", spare=5),
        Column("test, per track", "number"),
        Column("95 % interval", "number", spare=2),
        Column("test macro-F1", "number", spare=3),
        Column("parameters", "number", spare=7),
        Column("changed (UTC)", spare=8),
    )
    cells = []
    for row in rows:
        about, scores = ["", "", ""], ["", "", "", "", ""]
        if "test_track_accuracy" in row:
            generated = " (generated)" if row["generated"] else ""
            split = f"{row['split']}{leak_mark(row['leaks'])}"
            about = [f"{row['dataset']}{generated}", split, str(row["seed"])]
            low, high = row["test_track_accuracy_interval"]
            scores = [
                f"{row['validation_track_accuracy']:.3f}",
                f"{row['test_track_accuracy']:.3f}",
                f"[{low:.3f}, {high:.3f}]",
                f"{row['test_track_macro_f1']:.3f}",
                f"{row['parameters']:,}",
            ]
        changed = row["changed"][:16].replace("T", " ")
        cells.append((row["run"], row["status"], *about, *scores, changed))
    notes = [f"{row['run']}: {row['reason']}" for row in rows if row["status"] == "damaged"]
    return Table(columns, cells, notes=notes)
