"""A whole sweep: whatever becomes of one training, the others are done and the end is a table."""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from genrecls.reports import comparison
from genrecls.runs.run import Run
from genrecls.sweeps.job import Job
from genrecls.sweeps.plan import plan_jobs
from genrecls.sweeps.sweep import compare_jobs
from tests.conftest import ComposeExperiment
from tests.forked import Forked
from tests.in_process import run_here
from tests.runs.damage import damage_run
from tests.runs.finished_runs import Made, finished_run
from tests.sweeps.sweeps import TINY, Place, start, sweep, training, wait_for

pytestmark = pytest.mark.process
ROUNDS = 10
# Long enough to be met in the middle of an epoch.
LONG = ("trainer.epochs=400", "trainer.patience=null")


def names(place: Place) -> list[str]:
    return sorted(run.name for run in place.runs)


def starts(place: Place) -> int:
    """How many trainings the sweep has started in all."""
    logs = place.folder.glob("*.log")
    return sum(log.read_text().count("$ genrecls train") for log in logs)


def weights(run: Run) -> dict[str, np.ndarray]:
    import zipfile

    import h5py  # type: ignore[import-untyped]

    arrays: dict[str, np.ndarray] = {}

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = np.asarray(item)

    with zipfile.ZipFile(run.model_file) as archive, archive.open("model.weights.h5") as file:
        h5py.File(file).visititems(keep)
    return arrays


def assert_equal(run: Run, other: Run) -> None:
    metrics, others = (replace(one.read_metrics(), seconds={}) for one in (run, other))
    assert metrics == others
    assert (
        run.predictions_file("segments").read_text()
        == other.predictions_file("segments").read_text()
    )
    own, same = weights(run), weights(other)
    assert own
    assert own.keys() == same.keys()
    assert all(np.array_equal(own[name], same[name]) for name in own)


@pytest.mark.tensorflow
def test_the_middle_one_of_three_fails_and_the_others_are_compared(place: Place) -> None:
    words = ("seed=0,1,2", "segment.length=2.5", "jobs=2")
    middle = plan_jobs((*TINY, *place.words, *words[:2]))[1].run
    # A folder of that name is in the way of a file that every training writes.
    in_the_way = middle.config_file / "folder"
    in_the_way.mkdir(parents=True)
    status, output = sweep(place, *words, real=True)
    assert status == 1
    assert output.rstrip().endswith(
        "genrecls: error: 1 of 3 runs failed, each with its reason in the table; the same command "
        "tries them again"
    )
    assert "features summary of synth: 0 tracks from the cache, 30 computed" in output
    assert_two_of_three(place, middle)
    shutil.rmtree(middle.config_file)
    status, output = sweep(place, *words, real=True)
    assert status == 0
    assert "3 runs: 2 already finished, 1 failed before, will be tried again" in output
    assert "3 runs, seeds 0 1 2" in output
    assert starts(place) == 4


def assert_two_of_three(place: Place, middle: Run) -> None:
    rows = place.records()
    row = rows.pop(middle.name)
    assert [other["state"] for other in rows.values()] == ["finished", "finished"]
    assert row["state"] == "failed"
    assert row["note"].startswith("cannot read or write")
    assert row["lines"][-1] == f"genrecls: error: {row['note']}"
    table = (place.folder / "comparison.md").read_text()
    assert middle.name in table
    assert "| seed=1 |" in table
    assert row["note"].partition(":")[0] in table
    logs = [(place.folder / f"{name}.log").read_text() for name in rows]
    assert all("30 tracks from the cache, 0 computed" in log for log in logs)


def test_a_training_over_its_memory_is_stopped_and_said(place: Place) -> None:
    status, output = sweep(place, *LONG, "job_memory_gb=0.01")
    (row,) = place.records().values()
    assert status == 1
    assert row["state"] == "failed"
    assert row["note"].endswith("more than job_memory_gb=0.01")
    assert row["note"] in output


def test_a_training_that_is_killed_stops_no_other(place: Place) -> None:
    process = start(place, *LONG, "seed=0,1", "jobs=1")
    wait_for(lambda: training(place))
    (run,) = training(place)
    (holder,) = psutil.Process(process.pid).children()
    holder.kill()
    wait_for(lambda: [other for other in training(place) if other.name != run.name])
    assert run.state["status"] == "failed"
    assert "SIGKILL" in run.state["reason"]
    process.send_signal(signal.SIGTERM)
    assert process.end()[0] == 130


def test_ctrl_c_leaves_checkpoints_and_one_line(place: Place) -> None:
    process = start(place, *LONG, "seed=0,1", "jobs=2")
    wait_for(lambda: len(training(place)) == 2)
    process.send_signal(signal.SIGINT)
    status, output = process.end()
    assert status == 130
    assert output.count("genrecls: error: ") == 1
    assert "repeat the command to continue" in output
    states = [run.state for run in place.runs]
    assert [state["status"] for state in states] == ["interrupted"] * 2, states
    assert all(any(run.checkpoint_folder.iterdir()) for run in place.runs)
    assert {row["state"] for row in place.records().values()} == {"stopped"}
    assert (
        "2 runs: 2 interrupted before, will continue"
        in sweep(place, *LONG, "seed=0,1", "dry_run=true")[1]
    )


@pytest.mark.tensorflow
def test_a_sweep_that_is_killed_leaves_no_training_behind_and_ends_like_an_undisturbed_one(
    place: Place, data_root: Path, tmp_path: Path
) -> None:
    """The one kill of a sweep whose training is real; the others have a stand-in."""
    words = ("trainer.epochs=100", "trainer.patience=null")
    process = start(place, *words, real=True)
    wait_for(lambda: training(place))
    process.send_signal(signal.SIGKILL)
    process.end()
    (run,) = place.runs
    wait_for(lambda: not run.busy)
    assert run.state["status"] == "interrupted"
    assert any(run.checkpoint_folder.iterdir())
    status, output = sweep(place, *words, real=True)
    assert status == 0, output
    assert any("continuing after epoch" in line for line in _logs(place))
    calm = Place(data_root, tmp_path / "calm")
    answer = run_here(tmp_path, "train", *TINY, *calm.words, *words)
    assert answer.status == 0, answer.err
    assert_equal(run, Run(calm.output_root / run.name))


def test_what_is_done_is_not_trained_again(place: Place) -> None:
    (job,) = plan_jobs((*TINY, *place.words))
    job.run.mark("finished")
    job.run.metrics_file.write_text("{}")
    job.run.model_file.write_text("")
    output = sweep(place, "dry_run=true")[1]
    assert "1 run: 1 already finished; nothing is left to train" in output
    assert not (place.output_root / "sweeps").exists()


def test_two_sweeps_at_once_train_every_run_once(place: Place) -> None:
    first = start(place, "seed=range(0,3)")
    second = start(place, "seed=range(2,-1,-1)")
    for process in (first, second):
        status, output = process.end()
        assert status == 0, output
        assert "3 runs, seeds 0 1 2" in output
    assert len(names(place)) == 3
    trained = [row for row in _logs(place) if "epoch   1/2" in row]
    assert len(trained) == 3


def test_a_sweep_killed_ten_times_ends_like_an_undisturbed_one(
    place: Place, data_root: Path, tmp_path: Path
) -> None:
    words = ("trainer.epochs=20", "trainer.patience=null", "seed=0,1,2")
    calm = Place(data_root, tmp_path / "calm")
    assert sweep(calm, *words)[0] == 0
    moments = random.Random(6)  # noqa: S311
    for number in range(ROUNDS):
        process = start(place, *words)
        if number % 2:
            # Else slow machines would never be met in an epoch.
            wait_until_trained_or_over(place, process)
            time.sleep(moments.uniform(0, 0.5))
        else:
            # At any moment, that of planning too.
            time.sleep(moments.uniform(0, 2))
        process.send_signal(signal.SIGKILL)
        process.end()
    status, output = sweep(place, *words)
    assert status == 0, output
    assert names(place) == names(calm)
    assert any("continuing after epoch" in line for line in _logs(place))
    assert all("~" not in path.name for path in place.output_root.iterdir())
    for run in place.runs:
        other = Run(calm.output_root / run.name)
        assert run.read_metrics() == other.read_metrics()
        assert run.model_file.read_text() == other.model_file.read_text()
        tracks = [each.predictions_file("tracks").read_text() for each in (run, other)]
        assert tracks[0] == tracks[1]


def wait_until_trained_or_over(place: Place, process: Forked) -> None:
    wait_for(lambda: training(place) or process.returncode is not None)


def _logs(place: Place) -> list[str]:
    return [line for run in place.runs for line in run.log_file.read_text().splitlines()]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("jobs=0", "jobs: "),
        ("force=true", "'force=true': a sweep continues"),
        ("--cfg", "unknown flag --cfg; see 'genrecls sweep --help'"),
        ("hydra/sweeper=optuna", "'hydra/sweeper=optuna': a sweep lists or searches itself"),
        ("job=2", "job: unknown key"),
    ],
)
def test_a_word_that_a_sweep_does_not_take_is_one_line(
    word: str, expected: str, place: Place
) -> None:
    status, output = sweep(place, word)
    assert status == 1
    assert output.startswith(f"genrecls: error: {expected}")
    assert json.dumps(output).count("\\n") == 1


def test_a_run_of_a_sweep_that_cannot_be_read_is_a_row_of_its_comparison(
    tmp_path: Path, compose_experiment: ComposeExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "draw", lambda _boards, _part: {})
    whole, broken = finished_run(tmp_path, "a"), finished_run(tmp_path, "b", Made(model="rnn"))
    path = damage_run(broken, "history of heads")
    experiment = compose_experiment()
    jobs = [
        Job((), experiment, run, title=f"model={run.name}", state="finished")
        for run in (whole, broken)
    ]
    compare_jobs(jobs, "genrecls sweep", tmp_path / "sweep")
    document = (tmp_path / "sweep" / "comparison.md").read_text()
    assert f"| model=b | b | {path} is damaged (it has no epochs)" in document
    assert "| 1 | cnn mfcc" in document


def test_the_trial_of_a_search_that_is_swept_over_is_wanted_for_itself(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "draw", lambda _boards, _part: {})
    words = (*TINY, *place.words, "seed=0,1")
    for job in plan_jobs(words):
        made = Made(seed=job.experiment.run.seed)
        finished_run(place.output_root, job.run.name, made).mark("finished", sweep="search-cnn-1")
    answer = run_here(place.output_root, "sweep", *words, "logger=csv")
    assert answer.status == 0, answer.err
    assert [run.search for run in place.runs] == ["", ""]
    # What each run would say at its end is said once.
    assert answer.err.count("logger=csv") == 1
    assert len((place.output_root / "runs.csv").read_text(encoding="utf-8").splitlines()) == 3
