"""`genrecls compare`: finished runs ranked, tested against the best, drawn over each other."""

from __future__ import annotations

import glob
import shlex
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from genrecls.cli.verbs import parser_of
from genrecls.comparison.leaderboard import newest
from genrecls.console import warn
from genrecls.errors import RunError
from genrecls.reports.comparison import write_comparison
from genrecls.runs.record import read
from genrecls.runs.run import LATEST, Run, all_runs, find_run

# The table that anyone may trust is never replaced by the other one.
_DEFAULT = {"validation": "comparison", "test": "comparison-by-test"}


def main(words: Sequence[str]) -> int:
    """Compare the runs that the words name; all finished ones without any."""
    options = parser_of("compare").read(words)
    root: Path = options.output_root
    runs, older = newest([read(run) for run in _choose_runs(options.words, root)])
    if older:
        names = ", ".join(run.name for run in older)
        warn(f"left out because a newer run has the same configuration, seed and fold: {names}")
    command = f"genrecls compare {shlex.join(words)}".strip()
    folder = options.output or root / _DEFAULT[options.rank_by]
    write_comparison(runs, folder, command, by=options.rank_by, part=options.test_on)
    return 0


def _choose_runs(words: Sequence[str], root: Path) -> list[Run]:
    """Return the runs that are named, each once; all finished ones without any word.

    Raises:
        RunError: a word names no run, or there is none that is finished.
    """
    if words:
        named = (run for word in words for run in _runs_named(word, root))
        return list({run.folder.resolve(): run for run in named}.values())
    find_run(root, LATEST)
    runs = all_runs(root)
    states = Counter(str(run.state.get("status", "no state")) for run in runs if not run.finished)
    if states:
        counts = ", ".join(f"{many} {state}" for state, many in states.items())
        warn(f"left out because they are not finished: {counts}; 'genrecls runs' lists them")
    return [run for run in runs if run.finished]


def _runs_named(word: str, root: Path) -> list[Run]:
    """Return the run of a name, or the finished runs that a pattern matches."""
    if not glob.has_magic(word) or Path(word).expanduser().exists() or (root / word).exists():
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
    finished = [run for run in matching.values() if run.finished]
    if not finished:
        raise RunError(
            f"'{word}' matches no finished run, but {len(matching)} not finished; repeat their "
            "'genrecls train' commands to continue"
        )
    if len(finished) < len(matching):
        names = ", ".join(run.name for run in matching.values() if not run.finished)
        warn(f"left out because they are not finished: {names}")
    return finished
