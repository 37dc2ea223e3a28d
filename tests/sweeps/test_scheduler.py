"""What runs at once, what is waited for, what is taken over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from genrecls.errors import Interrupted
from genrecls.runs.run import Run
from genrecls.sweeps import process, scheduler
from genrecls.sweeps.job import Job, State
from genrecls.sweeps.process import ResourceLimits
from genrecls.sweeps.scheduler import SweepSlots, run_jobs, split_resources
from tests.conftest import ComposeExperiment

pytestmark = pytest.mark.process

# Stands for a training: leaves what makes a run finished.
_TRAIN = """
import json, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
(folder.parent / f"{folder.name}.began").touch()
time.sleep(float(sys.argv[2]))
for name in ("metrics.json", "model.keras"):
    (folder / name).write_text("{}")
(folder / "run.json").write_text('{"status": "finished"}')
"""

_HOLD = """
import pathlib, sys
from genrecls.runs.run import Run
run = Run(pathlib.Path({folder!r}))
with run.locked():
    print("held", flush=True)
    sys.stdin.readline()
    {leave}
"""
_LEAVE_FINISHED = (
    "run.mark('finished'); run.metrics_file.write_text('{}'); run.model_file.write_text('')"
)


class Notes:
    """A listener that remembers, and says when a run is found with another process."""

    def __init__(self, jobs: list[Job], elsewhere: Callable[[], None] | None = None) -> None:
        self.jobs = jobs
        self.states: list[tuple[str, State]] = []
        self.most = 0
        self.elsewhere = elsewhere

    def changed(self, job: Job) -> None:
        self.states.append((job.run.name, job.state))
        if job.state == "elsewhere" and self.elsewhere is not None:
            self.elsewhere()

    def tick(self) -> None:
        running = sum(job.state == "running" for job in self.jobs)
        self.most = max(self.most, running)


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TRAIN", (sys.executable, "-c", _TRAIN))
    monkeypatch.setattr(scheduler, "_LOOK_ELSEWHERE", 0.1)


@pytest.fixture
def jobs(tmp_path: Path, compose_experiment: ComposeExperiment) -> list[Job]:
    """Three trainings of a tenth of a second."""
    experiment = compose_experiment()
    runs = [Run(tmp_path / "outputs" / f"run{number}") for number in range(3)]
    return [Job((str(run.folder), "0.1"), experiment, run, run.name) for run in runs]


def trained(
    jobs: list[Job],
    folder: Path,
    at_once: int = 1,
    elsewhere: Callable[[], None] | None = None,
) -> Notes:
    notes = Notes(jobs, elsewhere)
    run_jobs(iter(jobs), SweepSlots(folder / "sweep", (ResourceLimits(),) * at_once), [notes])
    return notes


def slow_copy(job: Job) -> Job:
    """Return a training of a minute with the same run."""
    return Job((job.words[0], "60"), job.experiment, job.run, job.title)


def test_one_after_another(jobs: list[Job], tmp_path: Path) -> None:
    notes = trained(jobs, tmp_path)
    assert notes.most == 1
    assert notes.states == [
        (f"run{number}", state) for number in range(3) for state in ("running", "finished")
    ]


def test_two_at_once(jobs: list[Job], tmp_path: Path) -> None:
    notes = trained(jobs, tmp_path, at_once=2)
    assert notes.most == 2
    assert all(job.state == "finished" for job in jobs)


def test_what_is_finished_is_not_trained(jobs: list[Job], tmp_path: Path) -> None:
    trained(jobs[:1], tmp_path)
    again = slow_copy(jobs[0])
    trained([again], tmp_path)
    assert (again.state, again.note, again.log) == ("finished", "was finished before", None)


def test_a_queue_is_asked_only_when_there_is_a_slot(jobs: list[Job], tmp_path: Path) -> None:
    asked: list[list[State]] = []

    def queue() -> Iterator[Job]:
        for job in jobs:
            asked.append([other.state for other in jobs])
            yield job

    run_jobs(queue(), SweepSlots(tmp_path / "sweep", (ResourceLimits(),)), [Notes(jobs)])
    assert asked == [
        ["waiting", "waiting", "waiting"],
        ["finished", "waiting", "waiting"],
        ["finished", "finished", "waiting"],
    ]


def test_the_result_of_another_process_is_taken(jobs: list[Job], tmp_path: Path) -> None:
    with another_process(jobs[1].run, _LEAVE_FINISHED) as let_go:
        notes = trained(jobs, tmp_path, elsewhere=let_go)
    assert ("run1", "elsewhere") in notes.states
    assert ("run1", "running") not in notes.states
    assert jobs[1].note == "was trained by another process"


def test_the_failure_of_another_process_is_taken(jobs: list[Job], tmp_path: Path) -> None:
    with another_process(jobs[1].run, "run.mark('failed', reason='the data are gone')") as let_go:
        trained(jobs, tmp_path, elsewhere=let_go)
    assert jobs[1].state == "failed"
    assert jobs[1].note == "the data are gone (in another process)"


def test_what_another_process_leaves_undone_is_trained(jobs: list[Job], tmp_path: Path) -> None:
    with another_process(jobs[1].run, "run.mark('running')") as let_go:
        notes = trained(jobs, tmp_path, elsewhere=let_go)
    assert notes.states[-2:] == [("run1", "running"), ("run1", "finished")]


def test_a_training_that_finds_its_run_busy_is_tried_again(
    jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = tmp_path / "late"
    code = f"import pathlib, sys; late = pathlib.Path({str(late)!r})\n" + (
        "if not late.exists(): late.touch(); sys.exit(75)\n" + _TRAIN
    )
    monkeypatch.setattr(process, "TRAIN", (sys.executable, "-c", code))
    notes = trained(jobs[:1], tmp_path)
    assert [state for _, state in notes.states] == [
        *("running", "elsewhere", "waiting", "running", "finished")
    ]


def test_ctrl_c_stops_what_runs_and_begins_nothing(jobs: list[Job], tmp_path: Path) -> None:
    slow = [slow_copy(job) for job in jobs]

    class Interrupting(Notes):
        def tick(self) -> None:
            if self.states == [("run0", "running")]:
                self.states.clear()
                os.kill(os.getpid(), signal.SIGINT)

    slots = SweepSlots(tmp_path / "sweep", (ResourceLimits(),))
    with pytest.raises(Interrupted, match="repeat the command to continue"):
        run_jobs(iter(slow), slots, [Interrupting(slow)])
    assert [job.state for job in slow] == ["stopped", "waiting", "waiting"]


def test_whatever_goes_wrong_nothing_is_left_running(jobs: list[Job], tmp_path: Path) -> None:
    slow = [slow_copy(job) for job in jobs]

    class Broken(Notes):
        def tick(self) -> None:
            raise OSError("the terminal is gone")

    with pytest.raises(OSError, match="the terminal is gone"):
        run_jobs(iter(slow), SweepSlots(tmp_path / "sweep", (ResourceLimits(),)), [Broken(slow)])
    assert slow[0].training is None
    assert slow[0].note == "was killed together with the sweep"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be assigned here")
def test_cores_and_memory_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 3, 5, 7, 8})
    monkeypatch.setattr(scheduler, "free_memory", lambda: 8_000)
    slots = split_resources(2, None)
    assert [slot.cores for slot in slots] == [(2, 3), (5, 7, 8)]
    assert [slot.memory for slot in slots] == [4_000, 4_000]
    assert split_resources(1, None) == (ResourceLimits((), 8_000),)
    assert [slot.cores for slot in split_resources(6, 2)] == [(2,), (3,), (5,), (7,), (8,), (2,)]
    assert split_resources(6, 2)[0].memory == 2_000_000_000


@contextmanager
def another_process(run: Run, leave: str) -> Iterator[Callable[[], None]]:
    """Let another process have the run until the function is called, and leave it so."""
    code = _HOLD.format(folder=str(run.folder), leave=leave)
    pipe = subprocess.PIPE
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True)
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    yield holder.stdin.close
    holder.stdout.close()
    holder.wait()
    assert holder.returncode == 0
