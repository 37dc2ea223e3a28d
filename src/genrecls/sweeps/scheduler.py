"""The engine of a sweep: so many trainings at once, each in its own process, whatever happens."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from genrecls.errors import Interrupted
from genrecls.sweeps.job import Record
from genrecls.sweeps.process import Child, JobSpec, ResourceLimits, Training, free_memory
from genrecls.training.interrupts import StopRequest, stop_request

# Seconds between two rounds, and between two looks at a run that another process has.
_TICK, _LOOK_ELSEWHERE = 0.1, 1.0
_NOTICE = "stopping: the trainings write their checkpoints; once more to kill them"


class Watcher(Protocol):
    """Who is told how a sweep goes on."""

    def changed(self, record: Record) -> None:
        """Take note that a training has another state; called from the thread of the engine."""

    def tick(self) -> None:
        """Look at what is running; called several times a second.

        Here a training may be stopped, with `Record.stop`.
        """


@dataclass(frozen=True)
class SweepSlots:
    """Where and with what a sweep works.

    Attributes:
        name: name of the sweep.
        folder: its folder, for the logs.
        places: what each of the trainings that run at once may take.
        start: begins a training; `Child` does so in a process of this machine.
    """

    name: str
    folder: Path
    places: tuple[ResourceLimits, ...]
    start: Callable[[JobSpec, ResourceLimits], Training] = Child


def split_resources(jobs: int, memory_gb: float | None) -> tuple[ResourceLimits, ...]:
    """Return the limits of each of `jobs` trainings that run at once on this machine.

    Args:
        jobs: how many.
        memory_gb: what each may take; None divides what is free now.
    """
    memory = int(memory_gb * 1e9) if memory_gb is not None else free_memory() // jobs
    if jobs == 1 or not hasattr(os, "sched_getaffinity"):
        return (ResourceLimits(memory=memory),) * jobs
    cores = sorted(os.sched_getaffinity(0))
    return tuple(ResourceLimits(_share(cores, place, jobs), memory) for place in range(jobs))


def _share(cores: Sequence[int], place: int, places: int) -> tuple[int, ...]:
    """Return the cores of one place; several share one where there are fewer cores than places."""
    if len(cores) < places:
        return (cores[place % len(cores)],)
    return tuple(cores[place * len(cores) // places : (place + 1) * len(cores) // places])


def run_all(queue: Iterator[Record], workplace: SweepSlots, watcher: Watcher) -> None:
    """Train everything in `queue`; afterwards each record says how it ended.

    A record is taken from the queue only when there is a place for it, so that a queue may make
    the next one from what came of those before. A run that is finished already is not trained, and
    one that another process works on is waited for and its result taken.

    Raises:
        Interrupted: Ctrl-C or SIGTERM came; what was running has written checkpoints.
        KeyboardInterrupt: it came twice; what was running is killed.
    """
    engine = _Engine(queue, workplace, watcher)
    with stop_request(_NOTICE) as stop:
        try:
            while engine.round(stop):
                time.sleep(_TICK)
        finally:
            # Nobody is left running, whatever went wrong here.
            engine.kill()
    if stop.received is not None:
        raise Interrupted("the sweep was stopped; nothing is lost, the same command goes on")


@dataclass
class _Elsewhere:
    """A training that another process works on, and since when that is known."""

    record: Record
    since: str
    next_look: float = 0.0


@dataclass
class _Engine:
    _queue: Iterator[Record]
    _workplace: SweepSlots
    _watcher: Watcher
    _running: dict[int, Record] = field(default_factory=dict)
    _elsewhere: list[_Elsewhere] = field(default_factory=list)
    _again: list[Record] = field(default_factory=list)
    _exhausted: bool = False

    def round(self, stop: StopRequest) -> bool:
        """Look at everything once; return whether there is more to come."""
        self._collect()
        if stop.received is None:
            self._look_elsewhere()
            self._fill()
        else:
            for record in self._running.values():
                record.stop("was stopped together with the sweep")
        self._watcher.tick()
        if stop.received is not None:
            return bool(self._running)
        return bool(self._running or self._elsewhere or self._again or not self._exhausted)

    def kill(self) -> None:
        """End what still runs, at once."""
        for record in self._running.values():
            if record.child is not None:
                record.child.kill("was killed together with the sweep")
        self._collect()

    def _collect(self) -> None:
        for place, record in list(self._running.items()):
            ending = record.child.poll() if record.child else None
            if ending is None:
                continue
            del self._running[place]
            record.end(ending)
            if record.state == "elsewhere":
                self._elsewhere.append(_Elsewhere(record, _now()))
            self._watcher.changed(record)

    def _fill(self) -> None:
        for place, limits in enumerate(self._workplace.places):
            while place not in self._running and (record := self._next()) is not None:
                self._take(place, limits, record)

    def _next(self) -> Record | None:
        if self._again:
            return self._again.pop(0)
        record = None if self._exhausted else next(self._queue, None)
        self._exhausted = record is None
        return record

    def _take(self, place: int, limits: ResourceLimits, record: Record) -> None:
        run = record.job.run
        if run.finished:
            record.found("finished", "was finished before")
        elif run.busy:
            record.found("elsewhere", "another process trains it")
            self._elsewhere.append(_Elsewhere(record, _now()))
        else:
            log = self._workplace.folder / f"{run.name}.log"
            order = JobSpec(record.job.words, run, log, self._workplace.name)
            record.started(self._workplace.start(order, limits))
            self._running[place] = record
        self._watcher.changed(record)

    def _look_elsewhere(self) -> None:
        now = time.monotonic()
        for seen in [seen for seen in self._elsewhere if seen.next_look <= now]:
            seen.next_look = now + _LOOK_ELSEWHERE
            if not seen.record.job.run.busy:
                self._elsewhere.remove(seen)
                self._take_over(seen)

    def _take_over(self, seen: _Elsewhere) -> None:
        """Take the result of another process; train what it has left undone."""
        record, state = seen.record, seen.record.job.run.state
        if record.job.run.finished:
            record.found("finished", "was trained by another process")
        elif state.get("status") == "failed" and str(state.get("changed", "")) >= seen.since:
            record.found("failed", f"{state.get('reason', 'failed')} (in another process)")
        else:
            record.found("waiting", "")
            self._again.append(record)
        self._watcher.changed(record)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
