"""`genrecls compare`: finished runs ranked, tested against the best, drawn over each other."""

from __future__ import annotations

import glob
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from genrecls.cli.verbs import parser_of
from genrecls.comparison.leaderboard import newest
from genrecls.console import warn
from genrecls.errors import RunError
from genrecls.reports.comparison import write_comparison
from genrecls.runs.record import read
from genrecls.runs.run import Run, all_runs, find_run

# The table that anyone may trust is never replaced by the other one.
_DEFAULT = {"validation": "comparison", "test": "comparison-by-test"}


def main(words: Sequence[str]) -> int:
    """Compare the runs that the words name; all finished ones without any."""
    options = parser_of("compare").read(words)
    root: Path = options.output_root
    runs, older = newest([read(run) for run in _chosen(options.words, root)])
    if older:
        names = ", ".join(run.name for run in older)
        warn(f"left out, for a newer run has the same configuration, seed and fold: {names}")
    command = f"genrecls compare {shlex.join(words)}".strip()
    folder = options.output or root / _DEFAULT[options.rank_by]
    write_comparison(runs, folder, command, by=options.rank_by, part=options.test_on)
    return 0


def _chosen(words: Sequence[str], root: Path) -> list[Run]:
    """Return the runs that are named, each once.

    Raises:
        RunError: a word names no run, or there is none that is finished.
    """
    if not words:
        find_run(root, None)
        return _done(all_runs(root))
    named = (run for word in words for run in _named(word, root))
    return list({run.folder.resolve(): run for run in named}.values())


def _done(runs: Sequence[Run]) -> list[Run]:
    """Return the finished runs, and say how many others are left out."""
    done = [run for run in runs if run.finished]
    states = Counter(str(run.state.get("status", "no state")) for run in runs if not run.finished)
    if states:
        told = ", ".join(f"{many} {state}" for state, many in states.items())
        warn(f"left out, for they are not finished: {told}; 'genrecls runs' lists them")
    return done


def _named(word: str, root: Path) -> list[Run]:
    if not glob.has_magic(word) or Path(word).expanduser().exists() or (root / word).exists():
        return [find_run(root, word)]
    matching = {run.folder.resolve(): run for run in _matching(word, root)}
    if not matching:
        raise RunError(
            f"'{word}' matches no run; expected a pattern for paths of run folders, or for the "
            f"names that 'genrecls runs' lists for {root.absolute()}"
        )
    done = [run for run in matching.values() if run.finished]
    if not done:
        raise RunError(
            f"'{word}' matches no finished run, but {len(matching)} not finished; repeat their "
            "'genrecls train' commands to go on"
        )
    if len(done) < len(matching):
        names = ", ".join(run.name for run in matching.values() if not run.finished)
        warn(f"left out, for they are not finished: {names}")
    return done


def _matching(pattern: str, root: Path) -> Iterator[Run]:
    yield from (run for run in all_runs(root) if fnmatchcase(run.name, pattern))
    for path in sorted(glob.glob(str(Path(pattern).expanduser()))):  # noqa: PTH207
        if (Path(path) / "run.json").is_file():
            yield Run(Path(path).resolve())
