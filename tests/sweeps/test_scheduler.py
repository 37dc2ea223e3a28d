"""The engine: what runs at once, what is waited for, what is taken over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest

from genrecls.errors import Interrupted
from genrecls.runs.run import Run
from genrecls.sweeps import process as children
from genrecls.sweeps import scheduler
from genrecls.sweeps.job import Job, Record, State
from genrecls.sweeps.process import ResourceLimits
from genrecls.sweeps.scheduler import SweepSlots, run_all, split_resources
from tests.conftest import ComposeExperiment

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
import pathlib, time
from genrecls.runs.run import Run
run = Run(pathlib.Path({folder!r}))
with run.locked():
    print("held", flush=True)
    time.sleep(1.5)
    {leave}
"""
_LEAVE_FINISHED = "run.mark('finished'); run.metrics.write_text('{}'); run.model.write_text('')"


class Notes:
    """A watcher that remembers."""

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        self.states: list[tuple[str, State]] = []
        self.most = 0

    def changed(self, record: Record) -> None:
        self.states.append((record.job.run.name, record.state))

    def tick(self) -> None:
        running = sum(record.state == "running" for record in self.records)
        self.most = max(self.most, running)


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "_command", lambda words: [sys.executable, "-c", _TRAIN, *words])
    monkeypatch.setattr(scheduler, "_LOOK_ELSEWHERE", 0.1)


@pytest.fixture
def records(tmp_path: Path, compose_experiment: ComposeExperiment) -> list[Record]:
    """Three trainings of a tenth of a second."""
    experiment = compose_experiment()
    runs = [Run(tmp_path / "outputs" / f"run{number}") for number in range(3)]
    return [Record(Job((str(run.folder), "0.1"), experiment, run), run.name) for run in runs]


def trained(records: list[Record], folder: Path, jobs: int = 1) -> Notes:
    notes = Notes(records)
    run_all(iter(records), SweepSlots("abc", folder / "sweep", (ResourceLimits(),) * jobs), notes)
    return notes


def test_one_after_another(records: list[Record], tmp_path: Path) -> None:
    notes = trained(records, tmp_path)
    assert notes.most == 1
    assert notes.states == [
        (f"run{number}", state) for number in range(3) for state in ("running", "finished")
    ]


def test_two_at_once(records: list[Record], tmp_path: Path) -> None:
    notes = trained(records, tmp_path, jobs=2)
    assert notes.most == 2
    assert all(record.state == "finished" for record in records)


def test_what_is_finished_is_not_trained(records: list[Record], tmp_path: Path) -> None:
    trained(records[:1], tmp_path)
    again = Record(records[0].job)
    trained([again], tmp_path)
    assert (again.state, again.note, again.here) == ("finished", "was finished before", False)


def test_a_queue_is_asked_only_when_there_is_a_place(records: list[Record], tmp_path: Path) -> None:
    asked: list[list[State]] = []

    def queue() -> Iterator[Record]:
        for record in records:
            asked.append([other.state for other in records])
            yield record

    run_all(queue(), SweepSlots("abc", tmp_path / "sweep", (ResourceLimits(),)), Notes(records))
    assert asked == [
        ["waiting", "waiting", "waiting"],
        ["finished", "waiting", "waiting"],
        ["finished", "finished", "waiting"],
    ]


def test_the_result_of_another_process_is_taken(records: list[Record], tmp_path: Path) -> None:
    with another_process(records[1].job.run, _LEAVE_FINISHED):
        notes = trained(records, tmp_path)
    assert ("run1", "elsewhere") in notes.states
    assert ("run1", "running") not in notes.states
    assert records[1].note == "was trained by another process"


def test_the_failure_of_another_process_is_taken(records: list[Record], tmp_path: Path) -> None:
    with another_process(records[1].job.run, "run.mark('failed', reason='the data are gone')"):
        trained(records, tmp_path)
    assert records[1].state == "failed"
    assert records[1].note == "the data are gone (in another process)"


def test_what_another_process_leaves_undone_is_trained(
    records: list[Record], tmp_path: Path
) -> None:
    with another_process(records[1].job.run, "run.mark('running')"):
        notes = trained(records, tmp_path)
    assert notes.states[-2:] == [("run1", "running"), ("run1", "finished")]


def test_who_finds_the_run_taken_after_all_is_waited_for(
    records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = tmp_path / "late"
    code = f"import pathlib, sys; late = pathlib.Path({str(late)!r})\n" + (
        "if not late.exists(): late.touch(); sys.exit(75)\n" + _TRAIN
    )
    monkeypatch.setattr(children, "_command", lambda words: [sys.executable, "-c", code, *words])
    notes = trained(records[:1], tmp_path)
    assert [state for _, state in notes.states] == [
        *("running", "elsewhere", "waiting", "running", "finished")
    ]


def test_ctrl_c_stops_what_runs_and_begins_nothing(records: list[Record], tmp_path: Path) -> None:
    slow = [Record(Job((r.job.words[0], "60"), r.job.experiment, r.job.run)) for r in records]
    Timer(1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(Interrupted, match="the same command goes on"):
        trained(slow, tmp_path)
    assert [record.state for record in slow] == ["stopped", "waiting", "waiting"]


def test_whatever_goes_wrong_nothing_is_left_running(records: list[Record], tmp_path: Path) -> None:
    slow = [Record(Job((r.job.words[0], "60"), r.job.experiment, r.job.run)) for r in records]

    class Broken(Notes):
        def tick(self) -> None:
            raise OSError("the terminal is gone")

    with pytest.raises(OSError, match="the terminal is gone"):
        run_all(
            iter(slow), SweepSlots("abc", tmp_path / "sweep", (ResourceLimits(),)), Broken(slow)
        )
    assert slow[0].child is None
    assert slow[0].note == "was killed together with the sweep"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be assigned here")
def test_cores_and_memory_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 3, 5, 7, 8})
    monkeypatch.setattr(scheduler, "free_memory", lambda: 8_000)
    places = split_resources(2, None)
    assert [place.cores for place in places] == [(2, 3), (5, 7, 8)]
    assert [place.memory for place in places] == [4_000, 4_000]
    assert split_resources(1, None) == (ResourceLimits((), 8_000),)
    assert [place.cores for place in split_resources(6, 2)] == [(2,), (3,), (5,), (7,), (8,), (2,)]
    assert split_resources(6, 2)[0].memory == 2_000_000_000


@contextmanager
def another_process(run: Run, leave: str) -> Iterator[None]:
    """Let another process have the run for a second, and leave it so."""
    code = _HOLD.format(folder=str(run.folder), leave=leave)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield
    process.communicate(timeout=60)
    assert process.returncode == 0
