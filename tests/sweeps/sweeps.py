"""Sweeps over the smallest runs there are, as a user starts them."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genrecls.reports import comparison
from genrecls.reports import run as run_report
from genrecls.reports.style import new_figure
from genrecls.runs.find import all_runs
from genrecls.runs.run import Run
from genrecls.sweeps import process
from genrecls.sweeps.search import result
from tests.forked import SUBPROCESS, Forked, program

_STAND_IN = (sys.executable, "-m", "tests.sweeps.stand_in")
# On the path of processes that are no forks, those that submitit starts.
_STAND_IN_SITE = Path(__file__).parent / "stand_in_site"
TINY = ("debug=smoke", "model=mlp", "features=summary")


@dataclass(frozen=True)
class Place:
    """Folders of a sweep."""

    data_root: Path
    output_root: Path

    @property
    def words(self) -> tuple[str, ...]:
        """Words that lead there."""
        return (f"data_root={self.data_root}", f"output_root={self.output_root}")

    @property
    def runs(self) -> list[Run]:
        """All run folders, those that were set aside too."""
        return all_runs(self.output_root)

    @property
    def folder(self) -> Path:
        """The folder of the only sweep."""
        (folder,) = (self.output_root / "sweeps").iterdir()
        return folder

    def records(self) -> dict[str, dict[str, Any]]:
        """What `sweep.json` says, by run."""
        content = json.loads((self.folder / "sweep.json").read_text())
        return {row["run"]: row for row in content["runs"]}


def start(place: Place, *words: str, real: bool = False) -> Forked:
    """Start a sweep over tiny runs, in which `stand_in` stands for the trainings unless `real`."""
    return Forked(_sweep, real, *TINY, *place.words, *words, folder=Path.cwd())


def sweep(place: Place, *words: str, real: bool = False) -> tuple[int, str]:
    """Do a whole sweep over tiny runs; return exit status and all output."""
    return start(place, *words, real=real).end(600)


def _sweep(real: bool, *words: str) -> int:
    """Be `genrecls sweep` whose trainings are forks of it, which have everything imported."""
    process.subprocess = SUBPROCESS  # type: ignore[assignment, attr-defined]
    if not real:
        process.TRAIN = _STAND_IN
        path = [str(_STAND_IN_SITE), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(path)
        empty = dict.fromkeys(("history", "settings"), new_figure("title", "about", (3, 2)))
        result.figures = lambda _: empty  # type: ignore[assignment, attr-defined]
    # Nobody looks at the figures, but at those of a real search.
    run_report.draw = lambda _: {}  # type: ignore[assignment]
    comparison.draw = lambda _boards, _part: {}  # type: ignore[assignment]
    os.setsid()
    # A background shell switches Ctrl-C off for its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(2, 1)
    return program("sweep", *words)


def wait_for(condition: Callable[[], Any], seconds: float = 600) -> None:
    """Wait until something is so."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.05)


def training(place: Place) -> Sequence[Run]:
    """Return the runs that have finished an epoch and are being trained."""
    return [run for run in place.runs if run.progress_file.is_file() and run.busy]
