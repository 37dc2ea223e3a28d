"""Trains the jobs of a sweep, as many at once as there are slots, whatever becomes of one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from genrecls.errors import Interrupted
from genrecls.runs.run import Run
from genrecls.sweeps.job import Job
from genrecls.sweeps.process import ResourceLimits, StartedTraining, TrainingProcess, free_memory
from genrecls.training.interrupts import stop_request

# Seconds between two rounds, and between two looks at a run that another process trains.
_ROUND, _LOOK_ELSEWHERE = 0.1, 1.0
_NOTICE = "stopping: the trainings write their checkpoints; once more to kill them"


class SweepListener(Protocol):
    """Is told how a sweep proceeds, in the thread of the sweep."""

    def changed(self, job: Job) -> None:
        """Called after the state of a job has changed."""

    def tick(self) -> None:
        """Called several times a second; may stop a job with `Job.stop`."""


@dataclass(frozen=True)
class SweepSlots:
    """Where trainings run, and how many at once.

    Attributes:
        folder: folder of the sweep, whose name is the sweep's, for the logs.
        limits: what the training of each slot may take; there are as many slots.
        start: starts a training from its words, run, log, limits and the name of the sweep.
    """

    folder: Path
    limits: tuple[ResourceLimits, ...]
    start: Callable[[Sequence[str], Run, Path, ResourceLimits, str], StartedTraining] = (
        TrainingProcess
    )


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
    bounds = [slot * len(cores) // jobs for slot in range(jobs + 1)]
    if len(cores) >= jobs:
        shares = [tuple(cores[low:high]) for low, high in pairwise(bounds)]
    else:
        # Several slots share a core.
        shares = [tuple(cores[slot % len(cores) :][:1]) for slot in range(jobs)]
    return tuple(ResourceLimits(share, memory) for share in shares)


def run_jobs(queue: Iterator[Job], slots: SweepSlots, listeners: Sequence[SweepListener]) -> None:
    """Train everything in `queue`; afterwards each job says how it ended.

    A job is taken from the queue only when there is a slot for it, so that a queue may choose the
    next one by the results of those before. A run that is finished already is not trained, and one
    that another process trains is waited for and its result taken.

    Raises:
        Interrupted: Ctrl-C or SIGTERM came; what was running has written checkpoints.
        KeyboardInterrupt: it came twice; what was running is killed.
    """
    scheduler = _Scheduler(queue, slots, listeners)
    with stop_request(_NOTICE) as stop:
        try:
            while scheduler.round(stopping=stop.received is not None):
                time.sleep(_ROUND)
        finally:
            # Nothing may be left running, whatever went wrong here.
            scheduler.kill()
    if stop.received is not None:
        raise Interrupted("the sweep was stopped; nothing is lost: repeat the command to continue")


@dataclass
class _Elsewhere:
    """A job that another process trains, since when that is known, and when to look again."""

    job: Job
    since: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    next_look: float = 0.0


@dataclass
class _Scheduler:
    queue: Iterator[Job]
    slots: SweepSlots
    listeners: Sequence[SweepListener]
    running: dict[int, Job] = field(default_factory=dict)
    elsewhere: list[_Elsewhere] = field(default_factory=list)
    again: list[Job] = field(default_factory=list)
    exhausted: bool = False

    def round(self, *, stopping: bool) -> bool:
        """Look at everything once; return whether something runs or is still to come."""
        self.collect()
        if stopping:
            for job in self.running.values():
                job.stop("was stopped together with the sweep")
        else:
            self.look_elsewhere()
            for slot, limits in enumerate(self.slots.limits):
                while slot not in self.running and (following := self.next_job()) is not None:
                    self.start(slot, limits, following)
        for listener in self.listeners:
            listener.tick()
        if stopping:
            return bool(self.running)
        return bool(self.running or self.elsewhere or self.again or not self.exhausted)

    def kill(self) -> None:
        """End what still runs, at once."""
        for job in self.running.values():
            if job.training is not None:
                job.training.kill("was killed together with the sweep")
        self.collect()

    def collect(self) -> None:
        """Take the results of the trainings that have ended."""
        for slot, job in list(self.running.items()):
            result = job.training.poll() if job.training else None
            if result is None:
                continue
            del self.running[slot]
            job.end(result)
            if job.state == "elsewhere":
                self.elsewhere.append(_Elsewhere(job))
            self.tell(job)

    def next_job(self) -> Job | None:
        """Return the job that is to be trained next; None if there is none now."""
        if self.again:
            return self.again.pop(0)
        job = None if self.exhausted else next(self.queue, None)
        self.exhausted = job is None
        return job

    def start(self, slot: int, limits: ResourceLimits, job: Job) -> None:
        """Train a job, unless it is finished or another process trains it."""
        if job.run.finished:
            job.mark("finished", "was finished before")
        elif job.run.busy:
            job.mark("elsewhere", "another process is training it")
            self.elsewhere.append(_Elsewhere(job))
        else:
            folder = self.slots.folder
            log = folder / f"{job.run.name}.log"
            job.start(self.slots.start(job.words, job.run, log, limits, folder.name))
            self.running[slot] = job
        self.tell(job)

    def look_elsewhere(self) -> None:
        """Take results from other processes; queue what they have left unfinished."""
        now = time.monotonic()
        for other in [other for other in self.elsewhere if other.next_look <= now]:
            other.next_look = now + _LOOK_ELSEWHERE
            job, state = other.job, other.job.run.state
            if job.run.busy:
                continue
            self.elsewhere.remove(other)
            if job.run.finished:
                job.mark("finished", "was trained by another process")
            elif state.get("status") == "failed" and str(state.get("changed", "")) >= other.since:
                job.mark("failed", f"{state.get('reason', 'failed')} (in another process)")
            else:
                job.mark("waiting")
                self.again.append(job)
            self.tell(job)

    def tell(self, job: Job) -> None:
        """Tell all listeners that the state of a job has changed."""
        for listener in self.listeners:
            listener.changed(job)
