"""Trainings by a cluster: they wait in a queue, and end like any other."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import psutil
import pytest

from genrecls.cli.sweep import parse
from genrecls.config.compose import compose
from genrecls.errors import ConfigError
from genrecls.runs.run import Run
from genrecls.sweeps import cluster as clusters
from genrecls.sweeps import process
from genrecls.sweeps.cluster import Cluster, ClusterJob, RemoteTask, read_cluster
from genrecls.sweeps.plan import plan_jobs
from genrecls.sweeps.process import JobResult, ResourceLimits
from genrecls.sweeps.sweep import open_slots
from genrecls.sweeps.sweep import sweep as sweep_of
from tests.sweeps import slurm
from tests.sweeps.sweeps import TINY, Place, start, sweep, training, wait_for

pytestmark = pytest.mark.process

SLURM = (
    *("cluster=slurm", "cluster.partition=gpu", "cluster.gpus_per_node=1"),
    *("cluster.timeout_min=90", "cluster.signal_delay_s=60", "cluster.mem_gb=16"),
)
# A mistake that the training finds before it loads anything heavy.
WRONG = ("model=nope",)

submitit = pytest.mark.skipif(find_spec("submitit") is None, reason="submitit is not installed")
ray = pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")

# A training that stops properly when it is asked to, and never else.
PATIENT = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
print("ready", flush=True)
time.sleep(60)
"""


class Queue:
    """A cluster whose queue does not move."""

    name = "queue"

    def count_slots(self, waiting: int, jobs: int) -> int:
        return min(waiting, jobs)

    def connect(self) -> None: ...

    def run(self, _task: RemoteTask, name: str, _folder: Path) -> JobResult:
        Event().wait()
        raise AssertionError(name)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "outputs" / "a-run")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "sweep" / "a-run.log"


@pytest.fixture
def slurm_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes this machine a Slurm cluster."""

    def make(**settings: str) -> Path:
        folder = tmp_path / "slurm"
        slurm.install(folder, **settings)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder

    return make


def chosen(*words: str) -> Cluster:
    return read_cluster(compose("sweep", words)["cluster"])


def ending(job: ClusterJob) -> JobResult:
    wait_for(lambda: job.poll() is not None)
    result = job.poll()
    assert result is not None
    return result


def submit(run: Run, log: Path, cluster: Cluster) -> ClusterJob:
    """Submit a training that fails at once."""
    return ClusterJob(cluster, WRONG, run, log, ResourceLimits())


def submit_tiny(place: Place, cluster: Cluster) -> tuple[ClusterJob, Run]:
    """Submit a whole training of a small model."""
    (job,) = plan_jobs([*TINY, *place.words, "trainer.epochs=1"])
    log = place.output_root / "sweeps" / "run.log"
    return ClusterJob(cluster, job.words, job.run, log, ResourceLimits(), "abc"), job.run


@ray
def test_a_training_by_ray_is_a_training(place: Place) -> None:
    cluster = chosen("cluster=ray", "cluster.num_cpus=1")
    cluster.connect()
    job, run = submit_tiny(place, cluster)
    assert ending(job) == JobResult("finished")
    assert run.finished


class StandInForRay:
    """Runs tasks as Ray does, in this process, and remembers how it was called."""

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.started: dict[str, Any] = {}

    def is_initialized(self) -> bool:
        return bool(self.started)

    def init(self, **options: Any) -> None:
        self.started = options

    def remote(self, function: Callable[..., Any]) -> Any:
        def options(**given: Any) -> Any:
            self.options = given
            return SimpleNamespace(remote=lambda *arguments: lambda: function(*arguments))

        return SimpleNamespace(options=options)

    def get(self, reference: Callable[[], Any]) -> Any:
        return reference()


def test_ray_is_asked_for_what_the_words_say(
    run: Run, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = StandInForRay()
    monkeypatch.setitem(sys.modules, "ray", stand_in)
    monkeypatch.setattr(clusters, "find_spec", lambda _: True)
    words = ("cluster=ray", "cluster.init.address=auto", "cluster.num_cpus=8")
    cluster = chosen(*words, "+cluster.remote.resources={big:1}")
    cluster.connect()
    cluster.connect()
    assert stand_in.started == {
        "address": "auto",
        "log_to_driver": False,
        "logging_level": "ERROR",
    }
    assert cluster.count_slots(500, 2) == 500
    assert ending(submit(run, log, cluster)).reason.startswith("model=nope: no such choice")
    assert stand_in.options == {"name": "a-run", "num_cpus": 8, "resources": {"big": 1}}


@submitit
def test_a_failure_elsewhere_comes_back_with_its_reason_and_last_lines(run: Run, log: Path) -> None:
    result = ending(submit(run, log, chosen("cluster=local")))
    assert result.state == "failed"
    assert result.reason.startswith("model=nope: no such choice; allowed: boosting, cnn,")
    assert result.lines[-1].endswith(result.reason)


@submitit
def test_slurm_is_asked_for_what_the_words_say(
    run: Run, log: Path, slurm_cluster: Callable[..., Path]
) -> None:
    folder = slurm_cluster()
    words = (*SLURM, "cluster.setup=[module load cuda]")
    cluster = chosen(*words, "+cluster.additional_parameters.mail-type=END")
    assert ending(submit(run, log, cluster)).reason.startswith("model=nope: no such choice")
    asked = slurm.script(folder)
    for line in (
        *("partition=gpu", "gpus-per-node=1", "time=90", "signal=USR2@60", "job-name=a-run"),
        *("mem=16GB", "mail-type=END"),
    ):
        assert f"\n#SBATCH --{line}\n" in asked
    assert "\nmodule load cuda\n" in asked
    assert (log.parent / ".submitit").is_dir()


@submitit
def test_a_job_that_slurm_loses_is_a_failure_of_its_own(
    run: Run, log: Path, slurm_cluster: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm_cluster(loses="OUT_OF_MEMORY")
    # Seconds for which submitit hopes that a file of the result is only late.
    monkeypatch.setattr("submitit.core.core.Job._results_timeout_s", 1)
    run.folder.mkdir(parents=True)
    run.mark("running")
    result = ending(submit(run, log, chosen(*SLURM)))
    assert result.state == "failed"
    assert result.reason.startswith("slurm: ")
    assert "OUT_OF_MEMORY" in result.reason
    assert run.state["status"] == "failed"
    assert run.state["reason"] == result.reason


@submitit
def test_a_machine_without_slurm_is_one_line_before_anything_starts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(place.output_root))
    with pytest.raises(ConfigError, match=r"cluster=slurm: this machine has no command 'srun'"):
        sweep_of(parse((*TINY, *place.words, "cluster=slurm")))
    assert not place.output_root.exists()


@submitit
@pytest.mark.parametrize(
    ("word", "waiting", "jobs", "slots"),
    [
        ("cluster=local", 5, 2, 2),
        ("cluster=slurm", 500, 1, 256),
        ("cluster=slurm", 3, 1, 3),
        ("cluster=local", 1, 4, 1),
    ],
)
def test_a_queue_is_given_all_that_it_takes_and_this_machine_so_many_jobs(
    word: str,
    waiting: int,
    jobs: int,
    slots: int,
    tmp_path: Path,
    slurm_cluster: Callable[..., Path],
) -> None:
    slurm_cluster()
    arguments = parse((word, f"jobs={jobs}", "job_memory_gb=1.5"))
    assert open_slots(arguments, tmp_path, waiting).limits == (
        (ResourceLimits(memory=1_500_000_000),) * slots
    )


def test_a_job_that_still_waits_in_a_queue_is_not_waited_for(run: Run, log: Path) -> None:
    job = submit(run, log, Queue())
    assert job.poll() is None
    job.stop("was stopped together with the sweep")
    assert job.poll() == JobResult("stopped", "was stopped together with the sweep")
    assert job.stop_file.is_file()


def test_a_job_that_has_begun_is_waited_for_until_it_is_killed(run: Run, log: Path) -> None:
    job = submit(run, log, Queue())
    log.parent.mkdir(parents=True)
    log.write_text("$ genrecls train\n")
    job.stop("was stopped")
    assert job.poll() is None
    job.kill()
    assert job.poll() == JobResult("stopped", "was stopped")


@pytest.mark.parametrize("values", [{"name": "slum"}, {}])
def test_a_file_of_the_user_that_names_no_cluster_is_one_line(values: Mapping[str, Any]) -> None:
    with pytest.raises(
        ConfigError, match=r"cluster\.name: received .*; allowed: local, ray, slurm"
    ):
        read_cluster(values)


@pytest.mark.parametrize("word", ["cluster=loca", "hydra/launcher=basic"])
def test_a_cluster_that_cannot_be_had_is_refused_before_the_plan(
    word: str, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*TINY, *place.words, word, "seed=0,1", "dry_run=true")
    with pytest.raises(ConfigError, match=word):
        sweep_of(parse(words))
    assert "2 runs" not in capsys.readouterr().err


@submitit
def test_ctrl_c_reaches_the_trainings_of_a_cluster_and_the_same_command_continues(
    place: Place,
) -> None:
    """Of trainings for which the stand-in stands; the next test has a real one."""
    words = ("cluster=local", "trainer.epochs=60", "trainer.patience=null")
    sweeping = start(place, *words)
    wait_for(lambda: training(place))
    os.killpg(sweeping.pid, signal.SIGINT)
    status, output = sweeping.end(600)
    assert status == 130
    assert "stopped: was stopped together with the sweep" in output
    (run,) = place.runs
    assert run.state["status"] == "interrupted"
    status, output = sweep(place, *words)
    assert status == 0
    assert [run.finished for run in place.runs] == [True]
    assert [row["state"] for row in place.records().values()] == ["finished"]
    (log,) = place.folder.glob("*.log")
    assert log.read_text().startswith("$ genrecls train debug=smoke ")
    assert not [*place.folder.glob("*.stop")]


@submitit
@pytest.mark.skipif(not hasattr(signal, "SIGUSR2"), reason="there are no such signals here")
def test_a_job_that_runs_out_of_time_is_queued_again_and_continues(place: Place) -> None:
    (job,) = plan_jobs([*TINY, *place.words, "trainer.epochs=400", "trainer.patience=null"])
    log = place.output_root / "sweeps" / "run.log"
    submitted = ClusterJob(chosen("cluster=local"), job.words, job.run, log, ResourceLimits())
    wait_for(lambda: training(place))
    (controller,) = [path for path in (log.parent / ".submitit").iterdir() if path.name.isdigit()]
    (task,) = psutil.Process(int(controller.name)).children()
    # So Slurm warns a job a while before its end.
    task.send_signal(signal.SIGUSR2)
    wait_for(lambda: log.read_text().count("$ genrecls train") == 2)
    wait_for(lambda: " after epoch " in log.read_text().rpartition("$ genrecls train")[2])
    assert submitted.poll() is None
    submitted.stop("enough")
    assert ending(submitted) == JobResult("stopped", "was stopped together with the sweep", ANY)
    assert job.run.state["status"] == "interrupted"


@submitit
def test_submitit_queues_the_same_training_again_after_a_timeout(
    task: Callable[[str], RemoteTask],
) -> None:
    job = task("")
    again = job.checkpoint()
    assert (again.function, again.args, again.kwargs) == (job, (), {})


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], RemoteTask]:
    """Makes a job that runs some code instead of a training."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(clusters, "_LOOK_EVERY", 0.05)

    def make(code: str) -> RemoteTask:
        monkeypatch.setattr(process, "TRAIN", (sys.executable, "-c", code))
        run, log, stop_file = (tmp_path / name for name in ("run", "run.log", "run.stop"))
        limits = ResourceLimits()
        return RemoteTask(("seed=0",), Run(run), log, limits, "abc", tmp_path, stop_file)

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
    def stop_when_it_runs() -> None:
        wait_for(lambda: "ready" in (tmp_path / "run.log").read_text())
        (tmp_path / "run.stop").touch()

    (tmp_path / "run.log").touch()
    Thread(target=stop_when_it_runs).start()
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
    monkeypatch.setattr(clusters, "time", SimpleNamespace(sleep=_once(requeue)))
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
