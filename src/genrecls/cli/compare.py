"""`genrecls compare`: finished runs ranked, tested against the best, drawn over each other."""

from __future__ import annotations

import glob
import shlex
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from genrecls.cli.verbs import parser_of
from genrecls.comparison.leaderboard import newest, read_runs
from genrecls.console import warn
from genrecls.errors import RunError
from genrecls.reports.comparison import write_comparison
from genrecls.runs.run import LATEST, Run, all_runs, find_run

# The table that anyone may trust is never replaced by the other one.
_DEFAULT = {"validation": "comparison", "test": "comparison-by-test"}


def main(words: Sequence[str]) -> int:
    """Compare the runs that the words name; all finished ones without any."""
    options = parser_of("compare").read(words)
    root: Path = options.output_root
    records, damaged = read_runs(_choose_runs(options.words, root))
    if not records:
        raise RunError(damaged[0].reason)
    runs, older = newest(records)
    if older:
        names = ", ".join(run.name for run in older)
        warn(f"left out because a newer run has the same configuration, seed and fold: {names}")
    command = f"genrecls compare {shlex.join(words)}".strip()
    folder = options.output or root / _DEFAULT[options.rank_by]
    write_comparison(runs, folder, command, damaged, by=options.rank_by, part=options.test_on)
    # Whoever names a run asks for it; with a pattern those that can be read are meant.
    named = {find_run(root, word).name for word in options.words if not _is_pattern(word, root)}
    if lost := [failed.name for failed in damaged if failed.name in named]:
        raise RunError(f"cannot be compared: {', '.join(lost)}; the table says why")
    return 0


def _choose_runs(words: Sequence[str], root: Path) -> list[Run]:
    """Return the runs that are named, each once; without any word all finished or damaged ones.

    Raises:
        RunError: a word names no run, or there is none that is finished.
    """
    if words:
        named = (run for word in words for run in _runs_named(word, root))
        return list({run.folder.resolve(): run for run in named}.values())
    find_run(root, LATEST)
    runs = all_runs(root)
    chosen = [run for run in runs if run.finished or run.damage]
    states = Counter(run.state["status"] for run in runs if run not in chosen)
    if states:
        counts = ", ".join(f"{many} {state}" for state, many in states.items())
        warn(f"left out because they are not finished: {counts}; 'genrecls runs' lists them")
    return chosen


def _is_pattern(word: str, root: Path) -> bool:
    there = Path(word).expanduser().exists() or (root / word).exists()
    return glob.has_magic(word) and not there


def _runs_named(word: str, root: Path) -> list[Run]:
    """Return the run of a name, or the finished or damaged runs that a pattern matches."""
    if not _is_pattern(word, root):
        return [find_run(root, word)]
    paths = map(Path, sorted(glob.glob(str(Path(word).expanduser()))))  # noqa: PTH207
    folders = (path.resolve() for path in paths if (path / "run.json").is_file())
    by_name = (run for run in all_runs(root) if fnmatchcase(run.name, word))
    matching = {run.folder.resolve(): run for run in (*by_name, *map(Run, folders))}
    if not matching:
        raise RunError(
            f"'{word}' matches no run; expected a pattern for paths of run folders, or for the "
            f"names that 'genrecls runs' lists for {root.absolute()}"
        )
    chosen = [run for run in matching.values() if run.finished or run.damage]
    if not chosen:
        raise RunError(
            f"'{word}' matches no finished run, but {len(matching)} not finished; repeat their "
            "'genrecls train' commands to continue"
        )
    if len(chosen) < len(matching):
        names = ", ".join(run.name for run in matching.values() if run not in chosen)
        warn(f"left out because they are not finished: {names}")
    return chosen
