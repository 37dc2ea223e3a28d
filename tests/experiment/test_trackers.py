"""A training with a tracker is the training without it, and its tracker hears everything."""

from __future__ import annotations

import csv
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.cli import main
from genrecls.experiment.train import say_where_trackers_wrote
from genrecls.files.tables import read_rows
from genrecls.runs.run import Run
from genrecls.trackers.runs_table import RunsTable
from genrecls.training.checkpoint import Progress
from tests.conftest import ComposeExperiment, RunCommand
from tests.trackers.runs import started_run

pytestmark = pytest.mark.usefixtures("without_figures")


@pytest.fixture(scope="module")
def plain(
    tmp_path_factory: pytest.TempPathFactory, tensorflow: None, without_figures: None
) -> Path:
    """A folder with data, and runs with one that nobody watched."""
    folder = tmp_path_factory.mktemp("plain")
    roots = (f"data_root={folder / 'data'}", f"output_root={folder / 'runs'}")
    assert main.main(["train", "debug=smoke", *roots]) == 0
    return folder


@pytest.fixture
def train(plain: Path, run_command: RunCommand, tmp_path: Path) -> RunCommand:
    """Trains on the same data into an empty folder."""
    roots = (f"data_root={plain / 'data'}", f"output_root={tmp_path}")
    return lambda *words: run_command("train", "debug=smoke", *roots, *words)


def only_run(folder: Path) -> Run:
    (found,) = (path.parent for path in folder.glob("*/run.json") if not path.parent.is_symlink())
    return Run(found)


def epochs_of(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return [row["epoch"] for row in csv.DictReader(file)]


def weights_of(run: Run) -> list[Any]:
    import keras

    return list(keras.models.load_model(run.model_file, compile=False).get_weights())


@pytest.mark.parametrize("logger", ["csv", "tensorboard"])
def test_a_tracker_changes_neither_the_name_of_a_run_nor_its_weights(
    logger: str, train: RunCommand, plain: Path, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    answer = train(f"logger={logger}")
    assert answer.status == 0
    assert answer.err.count("training on the CPU, ") == 1
    assert answer.err.count(f"logger={logger}: {tmp_path}") == 1
    without, watched = only_run(plain / "runs"), only_run(tmp_path)
    assert without.name == watched.name
    pairs = zip(weights_of(without), weights_of(watched), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_a_finished_run_has_no_progress_any_more_and_its_tracker_wrote_nothing_twice(
    train: RunCommand, plain: Path, tmp_path: Path
) -> None:
    train("logger=csv")
    run = only_run(tmp_path)
    assert not run.progress_file.exists()
    assert epochs_of(run.history_file) == ["1", "2"]
    names = [
        sorted(path.name for path in r.folder.iterdir()) for r in (run, only_run(plain / "runs"))
    ]
    assert names[0] == names[1]
    assert [row["run"] for row in read_rows(tmp_path / "runs.csv")] == [run.name]


@pytest.mark.parametrize("logger", ["wandb", "trackio"])
def test_places_of_trackers_are_said_once_also_where_a_run_is_gone(
    logger: str,
    compose_experiment: ComposeExperiment,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = [started_run(tmp_path, "one"), Run(tmp_path / "gone"), started_run(tmp_path, "other")]
    experiment = compose_experiment(f"logger={logger}", "logger.project=mine")
    say_where_trackers_wrote((run, experiment) for run in runs)
    (line,) = capsys.readouterr().err.splitlines()
    assert f"logger={logger}: " in line


def test_a_stopped_run_keeps_its_progress_and_is_a_row_when_it_is_finished(
    train: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow = RunsTable.on_epoch_end

    def stopped(own: RunsTable, progress: Progress) -> None:
        follow(own, progress)
        if progress.epoch:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(RunsTable, "on_epoch_end", stopped)
        assert train("logger=csv").status == 130
    run = only_run(tmp_path)
    assert run.progress_file.is_file()
    assert not (tmp_path / "runs.csv").exists()
    assert train("logger=csv").status == 0
    assert epochs_of(run.history_file) == ["1", "2"]
    assert [row["run"] for row in read_rows(tmp_path / "runs.csv")] == [run.name]


def test_a_tracker_that_fails_does_not_end_a_training(
    train: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("no room")

    monkeypatch.setattr(RunsTable, "on_epoch_end", fail)
    answer = train("logger=csv")
    assert answer.status == 0
    assert answer.err.count("warning: logger=csv gets no more of this run: no room") == 1
    assert "logger=csv: " not in answer.err
    assert only_run(tmp_path).finished


def test_a_tracker_that_is_named_later_gets_the_finished_run(
    train: RunCommand, plain: Path, tmp_path: Path
) -> None:
    finished = only_run(plain / "runs")
    shutil.copytree(finished.folder, tmp_path / finished.name)
    assert "is trained already" in train("logger=csv").err
    assert [row["run"] for row in read_rows(tmp_path / "runs.csv")] == [finished.name]


def test_a_missing_library_is_told_before_anything_is_read(
    run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genrecls.trackers.base.find_spec", lambda _: None)
    answer = run_command("train", "logger=mlflow", f"data_root={tmp_path / 'untouched'}")
    assert answer.status == 1
    assert answer.error.startswith("logger=mlflow: needs the package mlflow")
    assert not (tmp_path / "untouched").exists()
