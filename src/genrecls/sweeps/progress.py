"""What a user sees of a sweep while it runs: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from genrecls.console import log, messages, say, several, warn
from genrecls.errors import RunError
from genrecls.runs.run import Run
from genrecls.sweeps.estimate import Estimates
from genrecls.sweeps.job import Record, State, counted
from genrecls.sweeps.scheduler import Watcher

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

_MEANINGS = {
    "new": "new",
    "finished": "done already",
    "elsewhere": "in the hands of another process, whose result is taken",
    "interrupted": "interrupted, to be gone on with",
    "failed": "failed before, to be tried again",
}


def standing(run: Run) -> str:
    """Return how a run stands: one of `new`, `finished`, `elsewhere`, `interrupted`, `failed`."""
    if run.finished:
        return "finished"
    if run.busy:
        return "elsewhere"
    status = run.state.get("status", "new")
    # Who was killed could not say so; who finished without a result has to begin again.
    return {"running": "interrupted", "finished": "new"}.get(status, str(status))


def announcement(records: Sequence[Record], estimates: Estimates, jobs: int) -> str:
    """Return how many trainings there are, how they stand, and how long they take."""
    stands = [standing(record.job.run) for record in records]
    parts = [f"{stands.count(name)} {text}" for name, text in _MEANINGS.items() if name in stands]
    together = f"; {jobs} at once" if jobs > 1 else ""
    counted = several(len(records), "run")
    return f"{counted}: {', '.join(parts)}{together}; {_time(records, estimates, jobs)}"


def plan_table(records: Sequence[Record], estimates: Estimates) -> Table:
    """Return a table with a row a training: what it is, its run, how it stands, its time."""
    from rich.table import Table

    table = Table()
    for column in ("training", "run", "state", "takes at most"):
        table.add_column(column, overflow="fold")
    for record in records:
        seconds = estimates.seconds(record)
        takes = "" if seconds is None else duration(seconds)
        run = record.job.run
        table.add_row(record.title, run.name, standing(run), "" if record.ended else takes)
    return table


def _time(records: Sequence[Record], estimates: Estimates, jobs: int) -> str:
    pending = [record for record in records if not record.ended]
    if not pending:
        return "nothing is left to train"
    seconds = estimates.left(pending, jobs)
    if seconds is None:
        return "how long they take is known after the first epochs"
    return f"at most {duration(seconds)} by what finished runs of their kind have taken"


_REFRESH = 0.5
# Lines of a terminal around the rows, and trainings shown that have ended lately.
_AROUND, _LATEST = 8, 3
_STYLES: dict[State, str] = {"failed": "red", "finished": "green", "running": "bold"}


@dataclass(frozen=True)
class SweepView:
    """What there is to see.

    Attributes:
        records: all trainings known so far; the list may grow.
        total: how many there will be, those of `before` counted.
        jobs: how many run at once.
        estimates: learns from every training that finishes.
        noun: what one of them is called.
        before: how many have ended in earlier calls and have no record, by state.
    """

    records: Sequence[Record]
    total: int
    jobs: int
    estimates: Estimates
    noun: str = "run"
    before: Mapping[State, int] = field(default_factory=dict)

    def left(self) -> str:
        """Return how long it takes at most, in words; empty where nobody knows."""
        unknown = self._unbegun > 0
        seconds = None if unknown else self.estimates.left(self.records, self.jobs)
        return f"at most {duration(max(1.0, seconds))} left" if seconds else ""

    def totals(self) -> str:
        """Return the counts of all states in words."""
        counts = Counter(counted(self.records)) + Counter(self.before)
        waiting = counts.pop("waiting", 0) + self._unbegun
        parts = [f"{count} {state}" for state, count in counts.items()]
        parts += [f"{waiting} to come"] if waiting else []
        counted_in_all = f"{several(self.total, self.noun)}: {', '.join(parts)}"
        return ", ".join(filter(None, (counted_in_all, self.left())))

    @property
    def _unbegun(self) -> int:
        """How many have no record yet; one that fails in a search is replaced by another one."""
        return max(0, self.total - sum(self.before.values()) - len(self.records))


@contextmanager
def overview(scene: SweepView) -> Iterator[Watcher]:
    """Yield who shows how a sweep goes on."""
    console = messages()
    if not console.is_terminal:
        yield _Lines(scene)
        return
    from rich.live import Live

    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield _Table(scene, live)


def duration(seconds: float) -> str:
    """Return a time in words, as exactly as one wants to know it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def score(record: Record) -> str:
    """Return the validation accuracy in words: of a finished run, else the best so far."""
    if record.state == "finished":
        found, unit = _validation(record.job.run), "track"
    else:
        history = record.progress.get("history", [])
        found = max((float(row["validation_accuracy"]) for row in history), default=None)
        unit = "segment"
    return "" if found is None else f"{found:.3f} per {unit}"


@cache
def _validation(run: Run) -> float | None:
    with suppress(RunError, LookupError, TypeError, ValueError):
        return float(run.read_metrics()["parts"]["validation"]["track"]["accuracy"])
    return None


def described(record: Record) -> str:
    """Return a change of state as a line."""
    if record.state == "running":
        epoch = record.progress.get("epoch")
        return f"{record.title}: " + (f"goes on after epoch {epoch}" if epoch else "started")
    if record.state == "finished":
        found = score(record)
        scored = f", validation accuracy {found}" if found else ""
        how = f"finished in {duration(record.seconds)}" if record.seconds else record.note
        return f"{record.title}: {how}{scored}"
    note = f": {record.note}" if record.note else ""
    place = f" (see {record.log})" if record.state == "failed" and record.log else ""
    return f"{record.title}: {record.state}{note}{place}"


class _Lines:
    def __init__(self, scene: SweepView) -> None:
        self._scene = scene

    def changed(self, record: Record) -> None:
        """Print the change, and after an end how the sweep stands."""
        tell = warn if record.state == "failed" else say
        tell(described(record))
        if record.ended and record.here:
            self._scene.estimates.learn(record.job.run)
            say(self._scene.totals())

    def tick(self) -> None:
        """Say nothing: lines several times a second would fill a log."""


class _Table:
    def __init__(self, scene: SweepView, live: Live) -> None:
        self._scene = scene
        self._live = live
        self._next = 0.0
        self._ended: list[Record] = []

    def changed(self, record: Record) -> None:
        """Leave the line of what has ended above the table."""
        if record.ended:
            self._ended.append(record)
            text = described(record)
            log.info(text)
            style = _STYLES.get(record.state, "")
            self._live.console.print(text, style=style, markup=False)
            if record.here:
                self._scene.estimates.learn(record.job.run)

    def tick(self) -> None:
        """Draw the table anew, now and then."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _REFRESH
            self._live.update(self._drawn(), refresh=True)

    def _drawn(self) -> Table:
        from rich.table import Table

        table = Table(caption=self._scene.totals(), caption_justify="left")
        for name in ("run", "state", "epoch", "validation accuracy", "left at most", "note"):
            table.add_column(name, overflow="ellipsis", no_wrap=True)
        for record in self._shown():
            table.add_row(*_cells(record), style=_STYLES.get(record.state))
        return table

    def _shown(self) -> list[Record]:
        """Return the records that fit: all, or what happens now and what has ended lately."""
        records = self._scene.records
        room = self._live.console.height - _AROUND
        if len(records) <= room:
            return list(records)
        active = [record for record in records if record.state in {"running", "elsewhere"}]
        return [*self._ended[-_LATEST:], *active][-max(room, 1) :]


def _cells(record: Record) -> tuple[str, ...]:
    progress: Any = record.progress if record.state in {"running", "elsewhere"} else {}
    left = progress.get("seconds_left")
    starting = "is starting" if record.state == "running" and not progress else ""
    return (
        record.title,
        record.state,
        f"{progress['epoch']}/{progress['epochs']}" if "epochs" in progress else "",
        "" if record.state == "waiting" else score(record),
        # After the last epoch come the scores and the report.
        "" if not left else str(timedelta(seconds=round(left))),
        record.note or starting,
    )
