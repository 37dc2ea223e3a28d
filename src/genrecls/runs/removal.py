"""Run folders removed: what that would free, and nothing that is half removed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genrecls.errors import ConfigError, RunBusy, RunError
from genrecls.files.locks import locked
from genrecls.runs.find import LATEST, all_runs, find_runs, point_latest
from genrecls.runs.run import Run
from genrecls.runs.run_filter import select_runs

CHECKPOINTS = "checkpoints"
STATES = ("failed", "interrupted", "pruned")
"""Words that name the runs in this state."""

_TRASH = ".removed"


@dataclass(frozen=True)
class Removal:
    """A folder that can be removed.

    Attributes:
        run: the run.
        folder: that of the run, or of its checkpoints.
        status: how the run stands.
        state: content of `run.json`: if it is another one later, the run is another one.
        size: bytes of its files.
    """

    run: Run
    folder: Path
    status: str
    state: Mapping[str, Any]
    size: int


def find_removals(
    output_root: Path, words: Sequence[str], condition: str = ""
) -> tuple[list[Removal], list[Run]]:
    """Return what the words name for removal, and the runs among it that are at work.

    A finished run is removed only where a word is its name or a pattern for it.

    Args:
        output_root: where the runs are.
        words: of `STATES`, `checkpoints`, names, folders or patterns.
        condition: narrows what the words name; see `RunFilter`.

    Raises:
        ConfigError: there is no word, or the condition is none.
        RunError: a word names no run.
    """
    if not words:
        raise ConfigError(
            f"runs remove: expected what to remove: {', '.join((*STATES, CHECKPOINTS))}, or runs"
        )
    every = all_runs(output_root)
    # By what is removed; the whole of a run stands for its checkpoints, too.
    folders: dict[Path, tuple[Run, Path]] = {}
    for word in sorted(words, key=CHECKPOINTS.__eq__):
        if word == CHECKPOINTS:
            named = [run for run in every if run.checkpoint_folder.is_dir() and not run.busy]
        elif word in STATES:
            named = [run for run in every if run.status == word]
        else:
            named = find_runs(output_root, word)
        for run in select_runs(named, condition, trials=True)[0]:
            folder = run.checkpoint_folder if word == CHECKPOINTS else run.folder
            folders.setdefault(run.folder.resolve(), (run, folder))
    removals = [
        Removal(run, folder, run.status, run.state, _size(folder))
        for run, folder in folders.values()
        if not run.busy
    ]
    return removals, [run for run, _ in folders.values() if run.busy]


def remove(removal: Removal) -> None:
    """Remove a folder: it is renamed first, so that nothing half removed looks like a run.

    Raises:
        RunBusy: another process is at work on the run, or it is another one by now.
        OSError: the folder cannot be renamed; it is untouched.
        RunError: some of its files cannot be deleted.
    """
    run, root = removal.run, removal.run.folder.parent
    trash = root / _TRASH
    busy = f"another process removes runs from {root}; repeat the command when it has finished"
    with locked(root / ".locks" / f"{_TRASH}.lock", patience=0, busy=busy):
        with run.locked():
            if run.state != removal.state:
                raise RunBusy(f"run {run.name} has changed meanwhile; look at it again")
            # Deeper than where runs are looked for.
            trash.mkdir(exist_ok=True)
            aside = Path(tempfile.mkdtemp(dir=trash))
            removal.folder.rename(aside / removal.folder.name)
        if removal.folder == run.folder:
            _point_latest(run)
        else:
            run.progress_file.unlink(missing_ok=True)
        # What an earlier call could not finish goes, too.
        for rest in trash.iterdir():
            shutil.rmtree(rest, ignore_errors=True)
        try:
            trash.rmdir()
        except OSError as error:
            raise RunError(
                f"some files of run {run.name} cannot be deleted; what is left lies in {trash}"
            ) from error


def _point_latest(removed: Run) -> None:
    """Let `latest` point to the newest run that is left, if it pointed to one."""
    links = [removed.folder.with_name(name) for name in (LATEST, f"{LATEST}.txt")]
    if not any(link.is_symlink() or link.is_file() for link in links):
        return
    try:
        point_latest(removed)
    except RunError:
        for link in links:
            link.unlink(missing_ok=True)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
