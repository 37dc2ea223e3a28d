"""Runs found by name, folder or pattern, and those that are meant where nobody names one."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from genrecls.config.paths import expanded, why_no_file
from genrecls.errors import RunError, nearest
from genrecls.runs.ensemble_card import KERAS_FILE
from genrecls.runs.run import MODEL_FILES, Run
from genrecls.shipped.models import shipped_file

REFIT = "-refit-"
"""Stands in the name of a folder that holds a model of all tracks and is no run."""

LATEST, BEST = "latest", "best"
"""Words that stand for a run, see `find_run`."""


def all_runs(output_root: Path) -> list[Run]:
    """Return the runs of `output_root`, the one last changed first."""
    folders = (path.parent for path in output_root.glob("*/run.json"))
    runs = [Run(folder) for folder in folders if not folder.is_symlink()]
    return sorted(runs, key=lambda run: (run.state.get("changed", ""), run.name), reverse=True)


def runs_to_choose(output_root: Path) -> list[Run]:
    """Return the finished runs among which one is chosen that nobody names, the newest first.

    A trial of a search is none of them: it is one of many that somebody tries for another one.

    Raises:
        RunError: there is none.
    """
    finished = [run for run in all_runs(output_root) if run.finished]
    chosen = [run for run in finished if not run.search]
    if chosen:
        return chosen
    way_out = "; make one with 'genrecls train'"
    if finished:
        way_out = (
            f" but {len(finished)} of searches, none of which is chosen by itself ('genrecls runs "
            "--trials' lists them): name one, or train one with its settings"
        )
    raise RunError(
        f"no finished run in {output_root.absolute()}{way_out}, or set output_root=<folder>"
    )


def find_run(output_root: Path, wanted: str | None) -> Run:
    """Return the run that `wanted` names: a folder or a model file in it, the (end of the) name.

    `latest` is the newest finished run, whatever it was trained on. Without a name it is the newest
    finished one on real music, and `best` is the most accurate one on its data and split: on
    validation tracks, for the test part is never selected on. Neither is ever a run on generated
    data or with `debug=...`, which is there to try the program, and none of the three is a trial of
    a search.

    Raises:
        RunError: there is none, or several.
        ConfigError: it is in the home folder of nobody.
    """
    if wanted is None:
        return _newest_on_real_music(output_root)
    path = expanded(wanted, "run")
    # A word, or the link that `point_latest` leaves: not a folder that somebody called so.
    if path.name == LATEST and (path.is_symlink() or not path.exists()):
        return runs_to_choose(output_root if path == Path(LATEST) else path.parent)[0]
    if wanted == BEST and not path.exists():
        return _best(output_root)
    # A model file stands for the run that it lies in.
    inside = [path.parent] if path.name in MODEL_FILES and path.is_file() else []
    for folder in (path, output_root / wanted, *inside):
        if (folder / "run.json").is_file():
            return Run(folder.resolve())
    if shipped_file(wanted):
        raise RunError(
            f"{wanted} comes with genrecls and is no run: predict takes it, and "
            f"'genrecls models' says what it is"
        )
    if file := refit_file(output_root, wanted):
        raise RunError(
            f"{wanted} is a model of all tracks ('genrecls refit') and no run, for no track is "
            f"left to test it; predict takes it: {file}"
        )
    runs = all_runs(output_root)
    matching = [run for run in runs if run.name.endswith(wanted)]
    if len(matching) == 1:
        return matching[0]
    # Whoever asks for a model of all tracks does not mean one of its runs.
    names = [] if REFIT in wanted else [run.name for run in runs]
    raise RunError(
        f"'{wanted}' names {len(matching) or 'no'} runs{nearest(wanted, names)}"
        f"{why_no_file(wanted)}; expected a run folder, or one of the names that 'genrecls runs' "
        f"lists for {output_root.absolute()}"
    )


def refit_file(output_root: Path, wanted: str) -> Path | None:
    """Return the model in the folder of a refit, which a path or a name says; None if none does."""
    for folder in (expanded(wanted, "run"), output_root / wanted):
        file = folder / KERAS_FILE
        if REFIT in folder.name and file.is_file() and not (folder / "run.json").is_file():
            return file
    return None


def find_runs(output_root: Path, wanted: str) -> list[Run]:
    """Return the run that `find_run` finds, or all whose names or folders a pattern matches.

    Raises:
        RunError: there is none, or a name is that of several.
        ConfigError: it is in the home folder of nobody.
    """
    if not is_pattern(output_root, wanted):
        return [find_run(output_root, wanted)]
    paths = map(Path, sorted(glob.glob(str(expanded(wanted, "run")))))  # noqa: PTH207
    folders = (path.resolve() for path in paths if (path / "run.json").is_file())
    by_name = (run for run in all_runs(output_root) if fnmatchcase(run.name, wanted))
    matching = {run.folder.resolve(): run for run in (*by_name, *map(Run, folders))}
    if not matching:
        raise RunError(
            f"'{wanted}' matches no run; expected a pattern for paths of run folders, or for the "
            f"names that 'genrecls runs' lists for {output_root.absolute()}"
        )
    return list(matching.values())


def runs_of_models(output_root: Path, words: Sequence[str]) -> list[Run]:
    """Return the runs that words mean, of a pattern those that are finished and no ensemble.

    Raises:
        RunError: a word means none, or is a name of several.
    """
    runs = []
    for word in words:
        matching = find_runs(output_root, word)
        if is_pattern(output_root, word):
            matching = [run for run in matching if run.finished and not run.is_ensemble]
        runs += matching
    return runs


def is_pattern(output_root: Path, word: str) -> bool:
    """Return whether a word stands for several runs; a folder may be called so, too."""
    there = expanded(word, "run").exists() or (output_root / word).exists()
    return glob.has_magic(word) and not there


def _newest_on_real_music(output_root: Path) -> Run:
    """Return the newest finished run on real music; damaged ones are passed over.

    Raises:
        RunError: there is none.
    """
    for run in runs_to_choose(output_root):
        if not run.for_trial:
            return run
    raise RunError(
        f"no finished run in {output_root.absolute()} is chosen for real music (generated data, "
        "debug=..., trials of searches, or damaged: see 'genrecls runs --trials'); train one with "
        f"dataset=<music>, or name a run: '{LATEST}' is the newest of all but trials"
    )


def _best(output_root: Path) -> Run:
    """Return the run of the highest validation accuracy per track, the newest of equal ones."""

    def comparable(run: Run) -> tuple[str, str, bool]:
        metrics = run.read_metrics()
        return metrics.dataset.fingerprint, metrics.split.name, metrics.split.leaky

    data = comparable(_newest_on_real_music(output_root))
    real = (run for run in runs_to_choose(output_root) if not run.for_trial)
    rivals = [run for run in real if comparable(run) == data]
    return max(rivals, key=lambda run: run.read_metrics().validation.track.accuracy)


def point_latest(run: Run) -> None:
    """Let the link `latest` beside a run point to the newest finished one."""
    newest = find_run(run.folder.parent, LATEST)
    link = run.folder.parent / LATEST
    aside = link.with_name(f".{LATEST}-{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        aside.symlink_to(newest.name, target_is_directory=True)
        aside.replace(link)
    except OSError:
        # Not every file system has links; a text file says the same.
        aside.unlink(missing_ok=True)
        link.with_suffix(".txt").write_text(f"{newest.name}\n", encoding="utf-8")
