"""How long a sweep takes is told from what runs of the same kind have taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genrecls.runs import Run
from genrecls.sweeping.estimate import Estimates, epochs_of
from genrecls.sweeping.records import Job, Record
from tests.conftest import ComposeExperiment


def finished(folder: Path, epochs: int, training: float) -> Run:
    run = Run(folder)
    run.mark("finished")
    run.model.write_text("")
    run.history.write_text("epoch\n" + "1\n" * epochs)
    seconds = {"features": 50.0, "training": training, "evaluation": 2.0}
    run.metrics.write_text(json.dumps({"seconds": seconds}))
    return run


@pytest.fixture
def record(tmp_path: Path, compose_experiment: ComposeExperiment) -> Record:
    """A training of ten epochs."""
    experiment = compose_experiment("trainer.epochs=10")
    return Record(Job((), experiment, Run(tmp_path / "synth-mfcc-cnn-new")))


def test_nothing_is_known_of_another_model(record: Record, tmp_path: Path) -> None:
    finished(tmp_path / "synth-mfcc-rnn-old", 5, 20.0)
    assert Estimates([tmp_path]).seconds(record) is None
    assert Estimates([tmp_path]).left([record], 1) is None


def test_finished_runs_tell_seconds_an_epoch_and_the_rest(record: Record, tmp_path: Path) -> None:
    finished(tmp_path / "synth-mfcc-cnn-a", 5, 20.0)
    finished(tmp_path / "synth-mfcc-cnn-b", 2, 4.0)
    assert Estimates([tmp_path]).seconds(record) == pytest.approx(10 * 3.0 + 2.0)


def test_a_damaged_run_tells_nothing(record: Record, tmp_path: Path) -> None:
    finished(tmp_path / "synth-mfcc-cnn-a", 5, 20.0).metrics.write_text("{")
    assert Estimates([tmp_path]).seconds(record) is None


def test_a_sweep_learns_while_it_goes_on(record: Record, tmp_path: Path) -> None:
    estimates = Estimates([tmp_path])
    estimates.learn(finished(tmp_path / "synth-mfcc-cnn-a", 5, 20.0))
    assert estimates.seconds(record) == pytest.approx(42.0)


def test_two_at_once_take_half_but_never_less_than_the_longest(
    record: Record, tmp_path: Path
) -> None:
    finished(tmp_path / "synth-mfcc-cnn-a", 5, 20.0)
    estimates = Estimates([tmp_path])
    assert estimates.left([record] * 4, 2) == pytest.approx(84.0)
    assert estimates.left([record], 2) == pytest.approx(42.0)
    assert estimates.left([], 2) == 0


def test_a_running_one_takes_what_it_says(record: Record) -> None:
    record.found("running", "")
    record.job.run.folder.mkdir()
    record.job.run.progress.write_text('{"epoch": 2, "seconds": 8.0, "seconds_left": 32.0}')
    waiting = Record(record.job)
    assert Estimates([]).left([record], 1) == pytest.approx(32.0)
    assert Estimates([]).left([record, waiting], 1) == pytest.approx(72.0)


def test_all_stages_count(compose_experiment: ComposeExperiment) -> None:
    experiment = compose_experiment("trainer.epochs=10")
    assert epochs_of(experiment) == 10
