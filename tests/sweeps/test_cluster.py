"""Trainings by Hydra's launchers: the queue is another, the end is told like any other."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from genrecls.errors import ConfigError
from genrecls.runs.run import Run
from genrecls.sweeps.arguments import read_request
from genrecls.sweeps.cluster import Launched, Launchpad
from genrecls.sweeps.plan import planned
from genrecls.sweeps.process import JobResult, JobSpec, ResourceLimits
from genrecls.sweeps.sweep import sweep as sweep_of
from tests.sweeps import slurm
from tests.sweeps.sweeps import TINY, Place, end, start, sweep, training, wait_for

LOCAL = ("hydra/launcher=submitit_local",)
SLURM = (
    "hydra/launcher=submitit_slurm",
    "hydra.launcher.partition=gpu",
    "hydra.launcher.gpus_per_node=1",
    "hydra.launcher.timeout_min=90",
    "hydra.launcher.signal_delay_s=60",
)
# A mistake that the training finds before it loads anything heavy.
WRONG = ("model=nope",)

submitit = pytest.mark.skipif(
    find_spec("hydra_plugins.hydra_submitit_launcher") is None,
    reason="hydra-submitit-launcher is not installed",
)
ray = pytest.mark.skipif(
    find_spec("hydra_plugins.hydra_ray_launcher") is None,
    reason="hydra-ray-launcher is not installed",
)


@pytest.fixture
def order(tmp_path: Path) -> JobSpec:
    return JobSpec(WRONG, Run(tmp_path / "outputs" / "a-run"), tmp_path / "sweep" / "a-run.log")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes this machine a Slurm cluster."""

    def make(**settings: str) -> Path:
        folder = tmp_path / "slurm"
        slurm.install(folder, **settings)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder

    return make


def ending(launched: Launched) -> JobResult:
    wait_for(lambda: launched.poll() is not None, 240)
    found = launched.poll()
    assert found is not None
    return found


def launch(order: JobSpec, words: Sequence[str], flags: Sequence[str] = ()) -> Launched:
    return Launchpad(words, flags, order.log.parent).start(order, ResourceLimits())


def tiny(place: Place) -> JobSpec:
    """Return a whole training of a small model."""
    (record,) = planned((), [*TINY, *place.words, "trainer.epochs=1"])
    return JobSpec(
        record.job.words, record.job.run, place.output_root / "sweeps" / "run.log", "abc"
    )


@submitit
def test_a_training_by_submitit_is_a_training(place: Place) -> None:
    order = tiny(place)
    assert ending(launch(order, LOCAL)) == JobResult("finished")
    assert order.run.finished
    assert order.log.read_text().startswith("$ genrecls train debug=smoke ")


@ray
def test_a_training_by_ray_is_a_training(place: Place) -> None:
    order = tiny(place)
    assert ending(launch(order, ("hydra/launcher=ray",))) == JobResult("finished")
    assert order.run.finished


@submitit
def test_a_failure_elsewhere_comes_back_with_its_reason_and_last_lines(order: JobSpec) -> None:
    found = ending(launch(order, LOCAL))
    assert found.state == "failed"
    assert found.reason.startswith("model=nope: no such choice; allowed: cnn,")
    assert found.lines[-1].endswith(found.reason)


@submitit
def test_slurm_is_asked_for_what_the_words_say(
    order: JobSpec, cluster: Callable[..., Path]
) -> None:
    folder = cluster()
    assert ending(launch(order, SLURM)).reason.startswith("model=nope: no such choice")
    asked = slurm.script(folder)
    for line in ("partition=gpu", "gpus-per-node=1", "time=90", "signal=USR2@60", "job-name=a-run"):
        assert f"\n#SBATCH --{line}\n" in asked


@submitit
def test_a_job_that_slurm_loses_is_a_failure_of_its_own(
    order: JobSpec, cluster: Callable[..., Path]
) -> None:
    cluster(loses="OUT_OF_MEMORY")
    order.run.folder.mkdir(parents=True)
    order.run.mark("running")
    found = ending(launch(order, SLURM))
    assert found.state == "failed"
    assert "OUT_OF_MEMORY" in found.reason
    assert order.run.state["status"] == "failed"
    assert order.run.state["reason"] == found.reason


@submitit
def test_a_launcher_may_come_from_the_users_own_folder(
    order: JobSpec, cluster: Callable[..., Path], tmp_path: Path
) -> None:
    folder = cluster()
    own = tmp_path / "own" / "hydra" / "launcher"
    own.mkdir(parents=True)
    (own / "ours.yaml").write_text("defaults: [submitit_slurm]\npartition: long\n")
    found = ending(launch(order, ("hydra/launcher=ours",), ("-cd", str(tmp_path / "own"))))
    assert found.reason.startswith("model=nope")
    assert "\n#SBATCH --partition=long\n" in slurm.script(folder)


@submitit
@pytest.mark.parametrize(
    ("words", "waiting", "jobs", "places"),
    [(LOCAL, 5, 2, 2), (SLURM, 500, 1, 256), (SLURM, 3, 1, 3), (LOCAL, 1, 4, 1)],
)
def test_a_queue_is_given_all_that_it_takes_and_this_machine_so_many_jobs(
    words: Sequence[str], waiting: int, jobs: int, places: int, tmp_path: Path
) -> None:
    limits = Launchpad(words, (), tmp_path).places(waiting, jobs, 1.5)
    assert limits == (ResourceLimits(memory=1_500_000_000),) * places


def test_a_job_that_still_waits_in_a_queue_is_not_waited_for(order: JobSpec) -> None:
    launched = Launched(order, "submitit_slurm")
    assert launched.poll() is None
    launched.stop("was stopped together with the sweep")
    assert launched.poll() == JobResult("stopped", "was stopped together with the sweep")
    assert launched.stop_file.is_file()


def test_a_job_that_has_begun_is_waited_for_until_it_is_killed(order: JobSpec) -> None:
    launched = Launched(order, "submitit_slurm")
    order.log.parent.mkdir(parents=True)
    order.log.write_text("$ genrecls train\n")
    launched.stop("was stopped")
    assert launched.poll() is None
    launched.kill()
    assert launched.poll() == JobResult("stopped", "was stopped")


@submitit
def test_a_setting_that_the_launcher_does_not_have_gets_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"partitoin=gpu: unknown key.*did you mean 'partition'"):
        Launchpad((*SLURM[:1], "hydra.launcher.partitoin=gpu"), (), tmp_path)
    with pytest.raises(ConfigError, match=r"launcher\.timeout_min=an hour: .*to Integer"):
        Launchpad((*SLURM[:1], "hydra.launcher.timeout_min=an hour"), (), tmp_path)
    with pytest.raises(ConfigError, match=r"no such choice; .*did you mean 'submitit_slurm'"):
        Launchpad(("hydra/launcher=submitit_slum",), (), tmp_path)


def test_a_launcher_that_is_not_for_a_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^hydra/launcher=basic: expected submitit_slurm"):
        Launchpad(("hydra/launcher=basic",), (), tmp_path)
    with pytest.raises(ConfigError, match="a launcher that is not chosen"):
        Launchpad(("hydra.launcher.partition=gpu",), (), tmp_path)


@pytest.mark.parametrize(("name", "extra"), [("submitit_slurm", "slurm"), ("ray", "ray")])
def test_a_plugin_that_is_absent_is_named_with_its_extra(
    name: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=rf"pip install 'genrecls\[{extra}\]'"):
        Launchpad((f"hydra/launcher={name}",), (), tmp_path)


@pytest.mark.parametrize("word", ["hydra/launcher=submitit_loca", "hydra/launcher=basic"])
def test_a_launcher_that_cannot_be_had_is_refused_before_the_plan(
    word: str, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*TINY, *place.words, word, "seed=0,1", "dry_run=true")
    with pytest.raises(ConfigError, match=word):
        sweep_of(read_request(words))
    assert "2 runs" not in capsys.readouterr().err


@submitit
def test_ctrl_c_reaches_the_trainings_of_a_launcher_and_the_same_command_goes_on(
    place: Place,
) -> None:
    words = (*LOCAL, "trainer.epochs=60", "trainer.patience=null")
    process = start(place, *words)
    wait_for(lambda: training(place))
    os.killpg(process.pid, signal.SIGINT)
    status, output = end(process)
    assert status == 130
    assert "stopped: was stopped together with the sweep" in output
    (run,) = place.runs
    assert run.state["status"] == "interrupted"
    status, output = sweep(place, *words)
    assert status == 0
    assert [found.finished for found in place.runs] == [True]
    assert not [*place.folder.glob("*.stop")]
