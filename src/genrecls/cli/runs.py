"""`genrecls runs`: what is in the output folder; one run shown, opened; runs removed."""

from __future__ import annotations

import argparse
import webbrowser
from collections.abc import Sequence
from typing import Any

from rich.filesize import decimal

from genrecls.cli.arguments import parser_of
from genrecls.cli.run_summary import show_run
from genrecls.cli.verbs import RUN_ACTIONS
from genrecls.console import say, several, show, warn
from genrecls.errors import ConfigError, RunBusy, RunError, nearest
from genrecls.files.tables import json_text
from genrecls.reports.tables import Column, Table
from genrecls.runs.find import all_runs, find_run
from genrecls.runs.removal import Removal, find_removals, remove
from genrecls.runs.run import Run
from genrecls.runs.run_filter import count_trials, select_runs
from genrecls.runtime.marks import leak_mark, pretraining_mark


def main(words: Sequence[str]) -> int:
    """List the runs, or do with some of them what the first word says."""
    options = parser_of("runs").read(words)
    action, *rest = options.words or ["filter"]
    if action not in RUN_ACTIONS:
        action, rest = "filter", options.words
    for flag, actions in (("filter", ("filter", "remove")), ("trials", ("filter",))):
        if getattr(options, flag) and action not in actions:
            raise ConfigError(f"--{flag}: 'genrecls runs {action}' has no such flag")
    if options.yes and action != "remove":
        raise ConfigError("--yes: only 'genrecls runs remove' has this flag")
    if action == "remove":
        return _remove(rest, options)
    if action == "filter":
        _list(rest, options)
        return 0
    if len(rest) > 1:
        raise ConfigError(f"runs {action}: expected one RUN, received {len(rest)}")
    run = find_run(options.output_root, *(rest or [None]))
    if action == "show":
        show_run(run, _row(run), options.format)
    else:
        _open(run)
    return 0


def _list(words: Sequence[str], options: argparse.Namespace) -> None:
    """List the runs that meet all conditions as tables or as JSON, newest first."""
    root = options.output_root
    for word in words:
        # A condition may be longer than the name of a folder.
        if len(word.encode()) < 256 and (root / word / "run.json").is_file():
            raise ConfigError(f"'{word}' is a run; 'genrecls runs show {word}' shows it")
        if word.isidentifier() and (hint := nearest(word, RUN_ACTIONS)):
            raise ConfigError(f"unknown action '{word}'{hint}")
    conditions = [*words, *filter(None, [options.filter])]
    condition = (
        conditions[0] if len(conditions) == 1 else " and ".join(f"({c})" for c in conditions)
    )
    runs = all_runs(root)
    chosen, hidden = select_runs(runs, condition, trials=options.trials)
    if options.format == "json":
        show(json_text([_row(run) for run in chosen]))
    elif not runs:
        show(f"no runs in {root.absolute()}; make one with 'genrecls train'")
    elif not chosen and not hidden:
        show(f"none of {several(len(runs), 'run')} in {root.absolute()} meets this condition")
    else:
        # Trials stand below the others, search by search.
        for search in dict.fromkeys(["", *(run.search for run in chosen)]):
            if members := [run for run in chosen if run.search == search]:
                title = count_trials(members) if search else ""
                show(_table([_row(run) for run in members], title).to_terminal())
    if hidden:
        say(f"not listed: {count_trials(hidden)}; --trials lists them")


def _open(run: Run) -> None:
    """Show the page of a run in a browser, or print its path where there is none."""
    page = run.report_file.absolute()
    if not page.is_file():
        raise RunError(
            f"run {run.name} has no report.html ({run.status}); 'genrecls runs' lists all"
        )
    if webbrowser.open(page.as_uri()):
        say(f"opened {page}")
    else:
        show(str(page))


def _remove(words: Sequence[str], options: argparse.Namespace) -> int:
    """Say what would be removed and how much that frees, and remove it with `--yes`."""
    removals, busy = find_removals(options.output_root, words, options.filter or "")
    for run in busy:
        warn(f"{run.name} is at work in another process and is kept")
    done: list[Removal] = []
    for removal in removals if options.yes else ():
        try:
            remove(removal)
        except RunBusy as error:
            warn(f"kept: {error}")
            busy.append(removal.run)
        else:
            done.append(removal)
    listed = done if options.yes else removals
    rows = [
        {
            "run": each.run.name,
            "status": each.status,
            "what": each.folder.name if each.folder != each.run.folder else "whole run",
            "bytes": each.size,
            "removed": options.yes,
        }
        for each in listed
    ]
    if options.format == "json":
        show(json_text(rows))
    elif rows:
        columns = ("run", "status", "what", Column("size", "number"))
        cells = [(row["run"], row["status"], row["what"], decimal(row["bytes"])) for row in rows]
        show(Table(columns, cells).to_terminal())
    freed = decimal(sum(each.size for each in listed))
    if options.yes:
        say(f"removed {several(len(done), 'folder')}, {freed}")
    elif rows:
        say(f"nothing was removed; the same with --yes removes these {len(rows)} and frees {freed}")
    else:
        say(f"nothing to remove in {options.output_root.absolute()}")
    return 1 if busy else 0


def _row(run: Run) -> dict[str, Any]:
    """Return what JSON says of a run; scores only where it is finished and not damaged."""
    state, status = run.state, run.status
    row: dict[str, Any] = {
        "run": run.name,
        "status": status,
        "changed": state.get("changed", ""),
        "command": state.get("command", ""),
        "sweep": state.get("sweep", ""),
    }
    if status != "finished":
        reason = run.damage or (state.get("reason") if status in {"failed", "pruned"} else "")
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
        "pretraining": metrics.model.pretraining,
    }


def _table(rows: Sequence[dict[str, Any]], title: str) -> Table:
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
            mark = pretraining_mark(row["pretraining"])
            split = f"{row['split']}{leak_mark(row['leaks'])}{mark and f' ({mark})'}"
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
    return Table(columns, cells, title, notes)
