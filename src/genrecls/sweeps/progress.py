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

from genrecls.console import is_quiet, log, messages, say, several, warn
from genrecls.errors import RunError
from genrecls.reports.tables import Column, Table
from genrecls.runs.run import Run
from genrecls.sweeps.estimate import Estimates
from genrecls.sweeps.job import Job, State
from genrecls.sweeps.scheduler import SweepListener

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table as LiveTable

# In the order in which they are counted in the first line of a sweep.
_STATUSES = {
    "new": "new",
    "finished": "already finished",
    "elsewhere": "in training by another process, whose result is taken",
    "interrupted": "interrupted before, will continue",
    "pruned": "stopped early by a search, will continue",
    "failed": "failed before, will be tried again",
}
_REFRESH = 0.5
# Lines of a terminal around the rows, and trainings shown that have ended lately.
_AROUND, _LATEST = 8, 3
_STYLES: dict[State, str] = {"failed": "red", "finished": "green", "running": "bold"}


def announcement(jobs: Sequence[Job], estimates: Estimates, at_once: int) -> str:
    """Return how many trainings there are, the states of their runs, and how long they take."""
    statuses = [run_status(job.run) for job in jobs]
    parts = [f"{statuses.count(s)} {text}" for s, text in _STATUSES.items() if s in statuses]
    together = f"; {at_once} at once" if at_once > 1 else ""
    pending = [job for job in jobs if not job.ended]
    seconds = estimates.left(pending, at_once)
    if not pending:
        time_needed = "nothing is left to train"
    elif seconds is None:
        time_needed = "how long they take is known after the first epochs"
    else:
        time_needed = (
            f"at most {rough_duration(seconds)} by what finished runs of their kind have taken"
        )
    return f"{several(len(jobs), 'run')}: {', '.join(parts)}{together}; {time_needed}"


def plan_table(jobs: Sequence[Job], estimates: Estimates) -> Table:
    """Return a table with a row for each training: its title, run, status and time."""
    rows = []
    for job in jobs:
        seconds = None if job.ended else estimates.seconds(job)
        takes = "" if seconds is None else rough_duration(seconds)
        rows.append((job.title, job.run.name, run_status(job.run), takes))
    return Table(("training", Column("run", spare=1), "state", "takes at most"), rows)


def run_status(run: Run) -> str:
    """Return the state of a run before a sweep, as in `run.json`, or `new`, or `elsewhere`.

    `elsewhere` is trained by another process.
    """
    if run.finished:
        return "finished"
    if run.busy:
        return "elsewhere"
    status = run.state.get("status", "new")
    # A killed training could not record it; one that finished without a result begins again.
    return {"running": "interrupted", "finished": "new"}.get(status, str(status))


@dataclass(frozen=True)
class SweepView:
    """What is shown of a sweep.

    Attributes:
        jobs: all trainings known so far; the list may grow.
        total: how many there will be, those of `before` included.
        at_once: how many run at once.
        estimates: learns from every training that finishes.
        noun: what one of them is called.
        before: how many have ended in earlier calls and have no job, by state.
    """

    jobs: Sequence[Job]
    total: int
    at_once: int
    estimates: Estimates
    noun: str = "run"
    before: Mapping[State, int] = field(default_factory=dict)

    def totals(self) -> str:
        """Return the counts of all states, and how long the rest takes at most."""
        counts = Counter(job.state for job in self.jobs) + Counter(self.before)
        # Without a job yet: a search chooses one after the other.
        unplanned = max(0, self.total - sum(self.before.values()) - len(self.jobs))
        waiting = counts.pop("waiting", 0) + unplanned
        parts = [f"{count} {state}" for state, count in counts.items()]
        parts += [f"{waiting} to come"] if waiting else []
        line = f"{several(self.total, self.noun)}: {', '.join(parts)}"
        seconds = None if unplanned else self.estimates.left(self.jobs, self.at_once)
        return f"{line}, at most {rough_duration(max(1.0, seconds))} left" if seconds else line


@contextmanager
def show_progress(view: SweepView) -> Iterator[SweepListener]:
    """Yield a listener that shows how a sweep proceeds."""
    console = messages()
    if is_quiet() or not console.is_terminal:
        yield ProgressLines(view)
        return
    from rich.live import Live

    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield ProgressTable(view, live)


class ProgressLines:
    """Prints a line for each change."""

    def __init__(self, view: SweepView) -> None:
        self._view = view

    def changed(self, job: Job) -> None:
        """Print the change, and after an end the counts of all states."""
        tell = warn if job.state == "failed" else say
        tell(describe(job))
        if job.ended and job.log is not None:
            self._view.estimates.learn(job.run)
            say(self._view.totals())

    def tick(self) -> None:
        """Print nothing: lines several times a second would fill a log."""


class ProgressTable:
    """Keeps a table on a terminal up to date."""

    def __init__(self, view: SweepView, live: Live) -> None:
        self._view = view
        self._live = live
        self._next = 0.0
        self._ended: list[Job] = []

    def changed(self, job: Job) -> None:
        """Leave a line above the table for a training that has ended."""
        if job.ended:
            self._ended.append(job)
            text = describe(job)
            log.info(text)
            self._live.console.print(text, style=_STYLES.get(job.state, ""), markup=False)
            if job.log is not None:
                self._view.estimates.learn(job.run)

    def tick(self) -> None:
        """Draw the table again, twice a second."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _REFRESH
            self._live.update(self.table(), refresh=True)

    def table(self) -> LiveTable:
        """Return the table: all jobs if they fit, else the running ones and the last to end."""
        from rich.table import Table as LiveTable

        table = LiveTable(caption=self._view.totals(), caption_justify="left", expand=True)
        # The names and the notes give way to the numbers.
        for name in ("run", "state", "epoch", "validation", "at most", "note"):
            ratio = 1 if name in {"run", "note"} else None
            table.add_column(name, overflow="ellipsis", no_wrap=True, ratio=ratio)
        jobs, rows = list(self._view.jobs), max(self._live.console.height - _AROUND, 1)
        if len(jobs) > rows:
            active = [job for job in jobs if job.state in {"running", "elsewhere"}]
            jobs = [*self._ended[-_LATEST:], *active][-rows:]
        for job in jobs:
            progress: Any = {} if job.state in {"waiting", "finished"} else job.progress
            proceeds = job.state in {"running", "elsewhere"} and "epochs" in progress
            left = progress.get("seconds_left") if proceeds else None
            table.add_row(
                job.title,
                job.state,
                f"{progress['epoch']}/{progress['epochs']}" if proceeds else "",
                "" if job.state == "waiting" else _score(job, progress),
                # After the last epoch come the scores and the report.
                str(timedelta(seconds=round(left))) if left else "",
                job.note or ("is starting" if job.state == "running" and not progress else ""),
                style=_STYLES.get(job.state),
            )
        return table


def describe(job: Job) -> str:
    """Return the state of a job as a line."""
    if job.state == "running":
        epoch = job.progress.get("epoch")
        return f"{job.title}: " + (f"continues after epoch {epoch}" if epoch else "started")
    if job.state == "finished":
        how = f"finished in {rough_duration(job.seconds)}" if job.seconds else job.note
        score = _score(job, {})
        return f"{job.title}: {how}{f', validation accuracy {score}' if score else ''}"
    note = f": {job.note}" if job.note else ""
    log_file = f" (see {job.log})" if job.state == "failed" and job.log else ""
    return f"{job.title}: {job.state}{note}{log_file}"


def _score(job: Job, progress: Mapping[str, Any]) -> str:
    """Return the validation accuracy in words: of a finished run, else the best so far."""
    if job.state == "finished":
        accuracy, unit = _validation_accuracy(job.run), "track"
    else:
        history = progress.get("history", [])
        accuracy = max((float(row["validation_accuracy"]) for row in history), default=None)
        unit = "segment"
    return "" if accuracy is None else f"{accuracy:.3f} per {unit}"


@cache
def _validation_accuracy(run: Run) -> float | None:
    with suppress(RunError):
        return run.read_metrics().validation.track.accuracy
    return None


def rough_duration(seconds: float) -> str:
    """Return a time in words: seconds, minutes, or hours and minutes."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
