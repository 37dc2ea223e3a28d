"""Sweeps over the smallest runs there are, as a user starts them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from genrecls.runs.run import Run, all_runs
from genrecls.sweeps import process
from tests.in_process import run_here

# A background shell switches Ctrl-C off for its children.
_GENRECLS = """
import signal, sys
from genrecls.cli.main import main
from genrecls.sweeps import process
signal.signal(signal.SIGINT, signal.default_int_handler)
{stand_in}
sys.exit(main())
"""
_STAND_IN = (sys.executable, "-m", "tests.sweeps.stand_in")
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


def start(place: Place, *words: str, real: bool = False) -> subprocess.Popen[str]:
    """Start a sweep over tiny runs, in which `stand_in` stands for the trainings unless `real`."""
    code = _GENRECLS.format(stand_in="" if real else f"process.TRAIN = {_STAND_IN!r}")
    return subprocess.Popen(
        [sys.executable, "-c", code, "sweep", *TINY, *place.words, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return exit status and output of a sweep."""
    output, _ = process.communicate()
    return process.returncode, output


def sweep(place: Place, *words: str, real: bool = False) -> tuple[int, str]:
    """Do a whole sweep over tiny runs in this process; return exit status and all output."""
    with pytest.MonkeyPatch.context() as patch:
        if not real:
            patch.setattr(process, "TRAIN", _STAND_IN)
        answer = run_here(Path.cwd(), "sweep", *TINY, *place.words, *words)
    return answer.status, answer.out + answer.err


def wait_for(condition: Callable[[], Any], seconds: float = 600) -> None:
    """Wait until something is so."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.05)


def training(place: Place) -> Sequence[Run]:
    """Return the runs that have finished an epoch and are being trained."""
    return [run for run in place.runs if run.progress_file.is_file() and run.busy]
