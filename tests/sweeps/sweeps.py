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

from genrecls.runs.run import Run, all_runs

# A background shell switches Ctrl-C off for its children.
_GENRECLS = """
import signal, sys
from genrecls.cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
"""
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
        found = json.loads((self.folder / "sweep.json").read_text())
        return {row["run"]: row for row in found["runs"]}


def start(place: Place, *words: str) -> subprocess.Popen[str]:
    """Start a sweep over tiny runs."""
    return subprocess.Popen(
        [sys.executable, "-c", _GENRECLS, "sweep", *TINY, *place.words, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return exit status and output of a sweep."""
    output, _ = process.communicate(timeout=900)
    return process.returncode, output


def sweep(place: Place, *words: str) -> tuple[int, str]:
    """Do a whole sweep over tiny runs."""
    return end(start(place, *words))


def wait_for(condition: Callable[[], Any], seconds: float = 120) -> None:
    """Wait until something is so."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.05)


def training(place: Place) -> Sequence[Run]:
    """Return the runs that have finished an epoch and are being trained."""
    return [run for run in place.runs if run.progress_file.is_file() and run.busy]
