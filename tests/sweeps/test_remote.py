"""What a job of a cluster does, however it ends."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from types import SimpleNamespace

import pytest

from genrecls.runs.run import Run
from genrecls.sweeps import cluster
from genrecls.sweeps import process as children
from genrecls.sweeps.cluster import RemoteTask
from genrecls.sweeps.process import JobResult, JobSpec, ResourceLimits

# A training that stops properly when it is asked to, and never else.
PATIENT = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], RemoteTask]:
    """Makes a job that runs some code instead of a training."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cluster, "_LOOK_EVERY", 0.05)

    def make(code: str) -> RemoteTask:
        monkeypatch.setattr(children, "_command", lambda _words: [sys.executable, "-c", code])
        order = JobSpec(("seed=0",), Run(tmp_path / "run"), tmp_path / "run.log", "abc")
        return RemoteTask(order, ResourceLimits(), tmp_path, tmp_path / "run.stop")

    return make


def test_a_failure_comes_back_with_its_reason(task: Callable[[str], RemoteTask]) -> None:
    ending = task("print('genrecls: error: no data'); raise SystemExit(1)")()
    assert ending == JobResult("failed", "no data", ("genrecls: error: no data",))


def test_a_job_whose_sweep_was_stopped_before_its_turn_does_nothing(
    task: Callable[[str], RemoteTask], tmp_path: Path
) -> None:
    (tmp_path / "run.stop").touch()
    assert task("raise SystemExit(1)")().state == "stopped"
    assert not (tmp_path / "run.log").exists()


def test_a_training_is_stopped_by_the_file(
    task: Callable[[str], RemoteTask], tmp_path: Path
) -> None:
    Timer(1.0, (tmp_path / "run.stop").touch).start()
    ending = task(PATIENT)()
    assert (ending.state, ending.reason) == ("stopped", "was stopped together with the sweep")
    assert not (tmp_path / "run.stop").exists()


def test_a_job_that_the_cluster_ends_waits_for_the_checkpoint(
    task: Callable[[str], RemoteTask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "run.log"

    def requeue(_: float) -> None:
        # As submitit does it in its handler for the signal of Slurm.
        if "ready" in log.read_text() and "checkpoint" not in log.read_text():
            raise SystemExit(-1)

    job = task(PATIENT.replace("sys.exit(130)", "sys.exit(print('checkpoint') or 130)"))
    monkeypatch.setattr(cluster, "time", SimpleNamespace(sleep=_once(requeue)))
    with pytest.raises(SystemExit):
        job()
    assert "checkpoint" in log.read_text()


def _once(raising: Callable[[float], None]) -> Callable[[float], None]:
    """Call `raising` until it raises, and from then on sleep."""
    raised: list[SystemExit] = []

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        if not raised:
            try:
                raising(seconds)
            except SystemExit as end:
                raised.append(end)
                raise

    return sleep


@pytest.mark.skipif(not hasattr(signal, "SIGUSR2"), reason="there are no such signals here")
def test_the_warning_of_a_cluster_does_not_end_the_training(
    task: Callable[[str], RemoteTask], tmp_path: Path
) -> None:
    before = signal.getsignal(signal.SIGUSR2)
    code = "import os, signal; os.kill(os.getpid(), signal.SIGUSR2); print('still here')"
    ending = task(code)()
    assert "still here" in ending.lines
    assert signal.getsignal(signal.SIGUSR2) == before
