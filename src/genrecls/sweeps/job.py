"""One training of a sweep through its life, and the file `sweep.json` that shows all of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from genrecls.experiment.experiment import Experiment
from genrecls.files.tables import write_json
from genrecls.runs.run import Run
from genrecls.sweeps.process import JobResult, StartedTraining

State = Literal["waiting", "elsewhere", "running", "finished", "failed", "stopped"]
_ENDED: frozenset[State] = frozenset({"finished", "failed", "stopped"})


@dataclass(eq=False)
class Job:
    """One training of a sweep: planned, then running, then ended.

    Attributes:
        words: what stands behind `genrecls train` to make it alone.
        experiment: the configuration that they describe.
        run: the folder that they lead to.
        title: what tells it from the other jobs of its sweep.
        state: `elsewhere` is trained by another process; `stopped` can continue.
        note: reason of a failure or a stop, or how it came to be finished.
        lines: the last lines that a training which failed has printed.
        training: what runs, as long as it does.
        log: what its process prints; None before this sweep has started it.
        seconds: how long its process ran.
        stop_reason: why the sweep has asked it to stop; empty if it has not.
    """

    words: tuple[str, ...]
    experiment: Experiment
    run: Run
    title: str = ""
    state: State = "waiting"
    note: str = ""
    lines: tuple[str, ...] = ()
    training: StartedTraining | None = None
    log: Path | None = None
    seconds: float = 0.0
    stop_reason: str = ""
    _started: float = field(default=0.0, repr=False)
    _progress: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in _ENDED

    @property
    def run_name(self) -> str:
        """Name of the run with the family of its model, as names of sweeps are made of it.

        They are digests, and sweeps from before presets had names of their own are found again.
        """
        model = self.experiment.model
        return self.run.name.replace(f"-{model.title}-", f"-{model.name}-")

    @property
    def progress(self) -> Mapping[str, Any]:
        """Content of `progress.json`: epochs and validation scores so far; may be empty."""
        # A training removes its file a little before it ends.
        self._progress = self.run.read_progress() or self._progress
        return self._progress

    def mark(self, state: State, note: str = "") -> None:
        """Set the state that another process has brought it into."""
        self.state, self.note = state, note

    def start(self, training: StartedTraining) -> None:
        """Set the state of a training that was just started."""
        self.state, self.note, self.lines, self.stop_reason = "running", "", (), ""
        self.training, self.log, self._started = training, training.log, time.monotonic()

    def stop(self, reason: str) -> None:
        """Let it write a checkpoint and end early; it ends as `stopped` for the first reason."""
        if self.training is not None:
            self.stop_reason = self.stop_reason or reason
            self.training.stop(reason)

    def end(self, result: JobResult) -> None:
        """Set the state in which its process has ended."""
        self.seconds += time.monotonic() - self._started
        self.training = None
        self.state = "elsewhere" if result.state == "busy" else result.state
        self.log = None if result.state == "busy" else self.log
        self.note = result.reason
        self.lines = result.lines if result.state == "failed" else ()


@dataclass(frozen=True)
class SweepFile:
    """The file `sweep.json`, written anew with every change; a sweep restores nothing from it.

    Attributes:
        path: where it lies.
        command: the command line of the sweep.
        jobs: all jobs known so far; the list may grow.
    """

    path: Path
    command: str
    jobs: Sequence[Job]

    def write(self) -> None:
        """Write the state of all jobs."""
        rows = [
            {
                "run": job.run.name,
                "words": list(job.words),
                "state": job.state,
                "note": job.note,
                "seconds": round(job.seconds, 1),
                "log": job.log.name if job.log else None,
                **({"lines": list(job.lines)} if job.lines else {}),
            }
            for job in self.jobs
        ]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        write_json(self.path, {"command": self.command, "changed": now, "runs": rows})

    def changed(self, _: Job) -> None:
        """Write the state of all jobs after one of them has changed."""
        self.write()

    def tick(self) -> None:
        """Do nothing: the file tells states, not epochs."""
