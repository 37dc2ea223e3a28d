"""`genrecls runs`: what is in the output folder, newest first, with its scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genrecls.arguments import Parser
from genrecls.console import show
from genrecls.errors import RunError
from genrecls.runs import Run, all_runs


def main(words: Sequence[str]) -> int:
    """List the runs as a table or as JSON."""
    parser = Parser(prog="genrecls runs", description="List the runs in outputs/, newest first.")
    parser.add_argument("--output-root", type=Path, default=Path("outputs"), metavar="FOLDER")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    options = parser.parse_args(words)
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
        test = metrics["parts"]["test"]["track"]
        return {
            **row,
            "dataset": metrics["dataset"]["name"],
            "generated": metrics["dataset"]["generated"],
            "split": metrics["split"]["name"],
            "leaky": "track" in metrics["split"]["leaks"],
            "seed": metrics["seed"],
            "validation_track_accuracy": metrics["parts"]["validation"]["track"]["accuracy"],
            "test_track_accuracy": test["accuracy"],
            "test_track_accuracy_interval": test["accuracy_interval"],
            "test_track_macro_f1": test["macro_f1"],
            "parameters": metrics["model"]["parameters"],
        }
    except (RunError, KeyError, TypeError):
        return {**row, "status": "damaged"}


def _status(run: Run) -> str:
    status = str(run.state.get("status", "unknown"))
    # Who was killed could not say so.
    return "interrupted" if status == "running" and not run.busy else status


def _table(rows: Sequence[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table()
    for name in ("run", "status", "split", "seed"):
        table.add_column(name, overflow="fold")
    for name in ("validation, per track", "test, per track", "test macro-F1", "parameters"):
        table.add_column(name, justify="right")
    table.add_column("changed (UTC)")
    for row in rows:
        table.add_row(
            row["run"],
            row["status"],
            f"{row['split']}{' LEAKY' if row['leaky'] else ''}" if "split" in row else "",
            str(row.get("seed", "")),
            *_scores(row),
            row["changed"][:16].replace("T", " "),
        )
    return table


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
