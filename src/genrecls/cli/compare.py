"""`genrecls compare`: finished runs ranked, tested against the best, drawn over each other."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from genrecls.cli.arguments import parser_of
from genrecls.cli.drawing import drawing
from genrecls.comparison.leaderboard import newest, read_runs
from genrecls.config.plugins import command_line
from genrecls.console import say, warn
from genrecls.errors import RunError
from genrecls.reports.comparison import write_comparison
from genrecls.runs.find import all_runs, find_run, find_runs, is_pattern, runs_to_choose
from genrecls.runs.run import Run
from genrecls.runs.run_filter import count_trials, select_runs

# The table that anyone may trust is never replaced by the other one.
_DEFAULT = {"validation": "comparison", "test": "comparison-by-test"}


def main(words: Sequence[str]) -> int:
    """Compare the runs that the words name; all finished ones without any."""
    options = parser_of("compare").read(words)
    root: Path = options.output_root
    figures = drawing(options.overrides)
    records, damaged = read_runs(_choose_runs(options))
    if not records:
        raise RunError(damaged[0].reason)
    runs, older = newest(records)
    if older:
        names = ", ".join(run.name for run in older)
        warn(f"left out because a newer run has the same configuration, seed and fold: {names}")
    command = command_line("compare", words)
    folder = options.output or root / _DEFAULT[options.rank_by]
    with figures:
        write_comparison(runs, folder, command, damaged, by=options.rank_by, part=options.test_on)
    # Whoever names a run asks for it; with a pattern those that can be read are meant.
    named = {find_run(root, word).name for word in options.words if not is_pattern(root, word)}
    if lost := [failed.name for failed in damaged if failed.name in named]:
        raise RunError(f"cannot be compared: {', '.join(lost)}; the table says why")
    return 0


def _choose_runs(options: argparse.Namespace) -> list[Run]:
    """Return the runs that are named, each once; without any word all finished or damaged ones.

    Trials of searches are named, or asked for with `--trials`.

    Raises:
        ConfigError: the condition is none.
        RunError: a word names no run, or there is none that is finished.
    """
    root, condition = options.output_root, options.filter or ""
    if options.words:
        named = (run for word in options.words for run in _runs_named(word, root))
        by_folder = {run.folder.resolve(): run for run in named}
        chosen, _ = select_runs(list(by_folder.values()), condition, trials=True)
        hidden: list[Run] = []
    else:
        runs = all_runs(root)
        if not any(run.finished for run in runs):
            # Says so, and what makes one.
            runs_to_choose(root)
        every, hidden = select_runs(runs, condition, trials=options.trials)
        chosen = [run for run in every if run.finished or run.damage]
        states = Counter(run.status for run in every if run not in chosen)
        if states:
            counts = ", ".join(f"{many} {state}" for state, many in states.items())
            warn(f"left out because they are not finished: {counts}; 'genrecls runs' lists them")
    trials = f"left out: {count_trials(hidden)}; --trials compares them, too" if hidden else ""
    if not chosen:
        reason = "no finished run meets the condition" if condition else "no run is chosen"
        raise RunError("; ".join(filter(None, [reason, trials])))
    if trials:
        say(trials)
    return chosen


def _runs_named(word: str, root: Path) -> list[Run]:
    """Return the run of a name, or the finished or damaged runs that a pattern matches."""
    matching = find_runs(root, word)
    if not is_pattern(root, word):
        return matching
    chosen = [run for run in matching if run.finished or run.damage]
    if not chosen:
        raise RunError(
            f"'{word}' matches no finished run, but {len(matching)} not finished; repeat the "
            "commands that began them to continue"
        )
    if len(chosen) < len(matching):
        names = ", ".join(run.name for run in matching if run not in chosen)
        warn(f"left out because they are not finished: {names}")
    return chosen
