"""How each training of a sweep stands, in memory and as `sweep.json`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from genrecls.experiment.experiment import Experiment
from genrecls.files.tables import write_json
from genrecls.runs.run import Run
from genrecls.sweeps.process import JobResult, Training

State = Literal["waiting", "elsewhere", "running", "finished", "failed", "stopped"]
ENDED: frozenset[State] = frozenset({"finished", "failed", "stopped"})


@dataclass(frozen=True)
class Job:
    """One training of a sweep.

    Attributes:
        words: what stands behind `genrecls train` to make it alone.
        experiment: what they describe.
        run: the folder that they lead to.
    """

    words: tuple[str, ...]
    experiment: Experiment
    run: Run


@dataclass
class Record:
    """A training with how it stands.

    Attributes:
        title: what tells it from the others of its sweep.
        state: `elsewhere` is in the hands of another process; `stopped` can go on.
        note: reason of a failure or a stop, or how it came to be finished.
        lines: the last lines that a training which failed has printed.
        child: what runs, as long as it does.
        log: what its process prints; None before it was ever started here.
        seconds: how long its process ran.
    """

    job: Job
    title: str = ""
    state: State = "waiting"
    note: str = ""
    lines: tuple[str, ...] = ()
    child: Training | None = None
    log: Path | None = None
    seconds: float = 0.0
    _since: float = field(default=0.0, repr=False)
    _progress: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDED

    @property
    def here(self) -> bool:
        """Whether this sweep has done something for it, rather than found it done."""
        return self.log is not None

    @property
    def progress(self) -> Mapping[str, Any]:
        """Epochs and validation scores so far, see `training.progress_file`; may be empty."""
        # A training takes its file away a little before it ends.
        self._progress = self.job.run.read_progress() or self._progress
        return self._progress

    def started(self, child: Training) -> None:
        """Take note that it was begun."""
        self.state, self.note, self.lines = "running", "", ()
        self.child, self.log, self._since = child, child.order.log, time.monotonic()

    def end(self, ending: JobResult) -> None:
        """Take note of how its process ended."""
        self.seconds += time.monotonic() - self._since
        self.child = None
        self.state = "elsewhere" if ending.state == "busy" else ending.state
        self.log = None if ending.state == "busy" else self.log
        self.note = ending.reason
        self.lines = ending.lines if ending.state == "failed" else ()

    def found(self, state: State, note: str) -> None:
        """Take note of how somebody else has left it."""
        self.state, self.note = state, note

    def stop(self, reason: str) -> None:
        """Have it write a checkpoint and end before its time; it ends as `stopped`."""
        if self.child is not None:
            self.child.stop(reason)


def counted(records: Iterable[Record]) -> dict[State, int]:
    """Return how many there are in each state, states without any left out."""
    counts: dict[State, int] = {}
    for record in records:
        counts[record.state] = counts.get(record.state, 0) + 1
    return counts


def write_records(path: Path, command: str, records: Sequence[Record]) -> None:
    """Write how the sweep stands; it is for people and tools, nothing is ever restored from it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    rows = [_row(record) for record in records]
    write_json(path, {"command": command, "changed": now, "runs": rows})


def _row(record: Record) -> dict[str, Any]:
    facts = {
        "run": record.job.run.name,
        "words": list(record.job.words),
        "state": record.state,
        "note": record.note,
        "seconds": round(record.seconds, 1),
        "log": record.log.name if record.log else None,
    }
    return {**facts, "lines": list(record.lines)} if record.lines else facts
