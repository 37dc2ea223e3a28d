"""How long a sweep takes is told from what runs of the same kind have taken."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from genrecls.experiment.experiment import Experiment
from genrecls.runs.run import Run
from genrecls.sweeps.estimate import Estimates, count_epochs
from genrecls.sweeps.job import Job
from tests.conftest import ComposeExperiment
from tests.runs.finished_runs import Made, metrics_of

REST = 2.0 + 20.0
"""Seconds of the evaluation, and of all that a run without a sweep does not tell."""


def finished(folder: Path, epochs: int, training: float, experiment: Experiment) -> Run:
    run = Run(folder)
    run.mark("finished")
    run.model_file.write_text("")
    run.config_file.write_text(yaml.safe_dump(experiment.resolved()))
    seconds = {"features": 50.0, "training": training, "evaluation": 2.0}
    made = metrics_of(Made())
    selection = replace(made.selection, epochs=epochs)
    metrics = replace(made, selection=selection, seconds=seconds)
    run.metrics_file.write_text(json.dumps(metrics.to_json()))
    return run


@pytest.fixture
def job(tmp_path: Path, compose_experiment: ComposeExperiment) -> Job:
    """A training of ten epochs."""
    experiment = compose_experiment("trainer.epochs=10")
    return Job((), experiment, Run(tmp_path / "synth-mfcc-cnn-new"))


def test_nothing_is_known_of_another_model(job: Job, tmp_path: Path) -> None:
    finished(tmp_path / "synth-mfcc-rnn-old", 5, 20.0, job.experiment)
    assert Estimates([tmp_path]).seconds(job) is None
    assert Estimates([tmp_path]).left([job], 1) is None


def test_finished_runs_tell_seconds_an_epoch_and_the_rest(job: Job, tmp_path: Path) -> None:
    finished(tmp_path / "synth-mfcc-cnn-a", 5, 20.0, job.experiment)
    finished(tmp_path / "synth-mfcc-cnn-b", 2, 4.0, job.experiment)
    assert Estimates([tmp_path]).seconds(job) == pytest.approx(10 * 4.0 + REST)


def test_the_seconds_of_a_process_tell_its_start_too(job: Job, tmp_path: Path) -> None:
    run = finished(tmp_path / "synth-mfcc-cnn-a", 5, 20.0, job.experiment)
    run.mark("finished", seconds=31.0)
    assert Estimates([tmp_path]).seconds(job) == pytest.approx(10 * 4.0 + 11.0)


def test_runs_on_more_tracks_or_other_segments_are_of_another_kind(
    job: Job, tmp_path: Path, compose_experiment: ComposeExperiment
) -> None:
    for word in ("dataset.tracks_per_band=9", "segment.length=1.0", "data_root=elsewhere"):
        other = compose_experiment("trainer.epochs=10", word)
        folder = tmp_path / word.partition("=")[0]
        finished(folder / "synth-mfcc-cnn-a", 5, 20.0, other)
    assert Estimates([tmp_path / "dataset.tracks_per_band"]).seconds(job) is None
    assert Estimates([tmp_path / "segment.length"]).seconds(job) is None
    assert Estimates([tmp_path / "data_root"]).seconds(job) is not None


def test_a_damaged_run_tells_nothing(job: Job, tmp_path: Path) -> None:
    finished(tmp_path / "synth-mfcc-cnn-a", 5, 20.0, job.experiment).metrics_file.write_text("{")
    assert Estimates([tmp_path]).seconds(job) is None


def test_a_sweep_learns_while_it_goes_on(job: Job, tmp_path: Path) -> None:
    estimates = Estimates([tmp_path])
    estimates.learn(finished(tmp_path / "synth-mfcc-cnn-a", 5, 20.0, job.experiment))
    assert estimates.seconds(job) == pytest.approx(40.0 + REST)


def test_two_at_once_take_half_but_never_less_than_the_longest(job: Job, tmp_path: Path) -> None:
    finished(tmp_path / "synth-mfcc-cnn-a", 5, 20.0, job.experiment)
    estimates = Estimates([tmp_path])
    assert estimates.left([job] * 4, 2) == pytest.approx(2 * (40.0 + REST))
    assert estimates.left([job], 2) == pytest.approx(40.0 + REST)
    assert estimates.left([], 2) == 0


def test_a_running_one_takes_what_it_says(job: Job) -> None:
    job.mark("running")
    job.run.folder.mkdir()
    facts = {"epoch": 2, "epochs": 10, "seconds": 8.0, "seconds_left": 32.0}
    job.run.progress_file.write_text(json.dumps(facts))
    waiting = Job((), job.experiment, job.run)
    assert Estimates([]).left([job], 1) == pytest.approx(32.0 + 20.0)
    assert Estimates([]).left([job, waiting], 1) == pytest.approx(32.0 + 40.0 + 2 * 20.0)


def test_all_stages_count(compose_experiment: ComposeExperiment) -> None:
    experiment = compose_experiment("trainer.epochs=10")
    assert count_epochs(experiment) == 10
    assert count_epochs(compose_experiment("trainer.epochs=10", "trainer.int8_epochs=3")) == 13
