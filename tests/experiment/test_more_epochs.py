"""A finished run goes on to more epochs, as if all of them had been asked for at once."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from genrecls import api
from genrecls.errors import ConfigError, RunError
from genrecls.experiment.more_epochs import begin_with
from genrecls.experiment.run_id import run_name
from genrecls.runs.run import Run
from genrecls.training import checkpoint
from tests.conftest import ComposeExperiment, RunCommand
from tests.runs.finished_runs import Made, finished_run
from tests.runs.test_ensemble_card import written

pytestmark = pytest.mark.usefixtures("without_figures")

_MODEL = ("debug=smoke", "model=mlp", "features=summary")
_PLATEAU = ("trainer=plateau", "trainer.schedule.patience=1", "trainer.optimizer.learning_rate=3")
_SETTINGS = (*_MODEL, "augment=mixup", *_PLATEAU)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


def _train(root: Path, outputs: str, *words: str) -> Run:
    places = (f"data_root={root / 'data'}", f"output_root={root / outputs}")
    return api.train(*words, *places, progress=False)


@pytest.fixture(scope="module")
def short(root: Path, tensorflow: None) -> Run:
    """A run of two epochs, which was to begin from nothing."""
    return _train(root, "outputs", *_SETTINGS, "force=true")


def _rows(run: Run) -> list[dict[str, str]]:
    with run.history_file.open(newline="", encoding="utf-8") as file:
        return [{**row, "seconds": ""} for row in csv.DictReader(file)]


def _scores(run: Run) -> Any:
    return {**json.loads(run.metrics_file.read_text(encoding="utf-8")), "seconds": None}


@pytest.mark.tensorflow
def test_more_epochs_end_like_as_many_at_once(root: Path, short: Run) -> None:
    longer = api.train(f"continue={short.folder}", "trainer.epochs=5", progress=False)
    whole = _train(root, "at_once", *_SETTINGS, "trainer.epochs=5")
    assert longer.name == whole.name != short.name
    assert longer.folder.parent == short.folder.parent
    assert _rows(longer) == _rows(whole)
    assert len(_rows(longer)) == 5
    assert len({row["learning_rate"] for row in _rows(whole)}) > 1, "the schedule acted"
    assert _scores(longer) == _scores(whole)
    for level in ("segments", "tracks"):
        one, other = longer.predictions_file(level), whole.predictions_file(level)
        assert one.read_bytes() == other.read_bytes()
    ends = [checkpoint.load(run.checkpoint_folder) for run in (longer, whole)]
    for group in ("model", "optimizer", "best"):
        one, other = (getattr(end, group) for end in ends)
        assert [array.tobytes() for array in one] == [array.tobytes() for array in other]
    log = longer.log_file.read_text(encoding="utf-8")
    assert f" continues from the end of run {short.name}" in log
    assert "continuing after epoch 2" in log
    # Its command is the one that finds it, or trains it from the beginning.
    command = str(longer.state["command"])
    assert "continue" not in command
    assert "force" not in command
    assert longer.read_config()["force"] is False, "the same command shall continue"
    assert command.endswith("trainer.epochs=5")
    assert "debug=smoke" in command
    assert short.finished


@pytest.mark.tensorflow
def test_a_finished_run_keeps_the_checkpoint_of_its_end_alone(short: Run) -> None:
    assert [path.name[:11] for path in short.checkpoint_folder.iterdir()] == ["epoch-00002"]


@pytest.mark.tensorflow
def test_a_run_that_shall_not_go_on_or_cannot_keeps_no_checkpoint(root: Path, short: Run) -> None:
    copy = Run(shutil.copytree(short.folder, root / "kept_nothing" / short.name))
    cosine = _train(root, "outputs", *_MODEL, "trainer=cosine", "trainer.epochs=1")
    assert not cosine.checkpoint_folder.exists()
    with pytest.raises(RunError, match=r"spreads its rates over all epochs.*from the beginning: "):
        api.train(f"continue={cosine.folder}", "trainer.epochs=3")
    rounded = _train(root, "outputs", *_MODEL, "trainer.epochs=1", "trainer.int8_epochs=1")
    assert not rounded.checkpoint_folder.exists()
    selection = rounded.read_metrics().selection
    assert (selection.epoch, selection.epochs, selection.int8_epochs) == (1, 2, 1)
    with pytest.raises(RunError, match=r"ends it with epochs of another kind; to train them"):
        api.train(f"continue={rounded.folder}", "trainer.epochs=3")
    shutil.rmtree(copy.checkpoint_folder)
    with pytest.raises(RunError, match=r"it has kept no checkpoint .*trainer.epochs=3"):
        api.train(f"continue={copy.folder}", "trainer.epochs=3")


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "received trainer.epochs=2, which the run had"),
        (("trainer.epochs=1",), "expected trainer.epochs=<more than 2> beside it"),
        (("trainer.epochs=3", "model=cnn"), "received 'model=cnn' beside it"),
        (("trainer.epochs=3", "trainer.batch_size=4"), "leave it out"),
    ],
)
def test_words_that_would_make_another_training_are_refused(
    words: tuple[str, ...], message: str, short: Run
) -> None:
    with pytest.raises(ConfigError, match=message):
        api.train(f"continue={short.folder}", *words)


@pytest.mark.tensorflow
def test_other_data_are_refused(short: Run, tmp_path: Path) -> None:
    copy = Run(shutil.copytree(short.folder, tmp_path / short.name))
    metrics = json.loads(copy.metrics_file.read_text(encoding="utf-8"))
    metrics["dataset"]["fingerprint"] = "0" * 64
    copy.metrics_file.write_text(json.dumps(metrics), encoding="utf-8")
    with pytest.raises(RunError, match="not those that it was trained on"):
        api.train(f"continue={copy.folder}", "trainer.epochs=3", progress=False)


def test_weights_that_a_file_no_longer_holds_are_refused_and_the_same_elsewhere_are_not(
    tmp_path: Path, compose_experiment: ComposeExperiment
) -> None:
    weights = tmp_path / "weights.h5"
    weights.write_bytes(b"some weights")
    words = ("features=mel_image", "features.colour=jet", "model=vgg16", f"output_root={tmp_path}")
    before = compose_experiment(*words, f"model.weights={weights}")
    source = finished_run(tmp_path, run_name(before, "data"), Made(fingerprint="data"))
    source.config_file.write_text(yaml.safe_dump(before.resolved()), encoding="utf-8")
    source.environment_file.touch()
    source.checkpoint_folder.mkdir()
    longer = replace(before, trainer=replace(before.trainer, epochs=9))
    run = Run(tmp_path / run_name(longer, "data"))
    run.folder.mkdir()

    weights.write_bytes(b"other weights")
    with pytest.raises(RunError, match=r"cannot go on: .*the file behind model\.weights") as error:
        begin_with(source, run, longer, "data")
    assert "\n" not in str(error.value)
    assert not run.checkpoint_folder.exists()

    moved = tmp_path / "moved.h5"
    moved.write_bytes(b"some weights")
    elsewhere = compose_experiment(*words, f"model.weights={moved}", "trainer.epochs=9")
    begin_with(source, run, elsewhere, "data")
    assert run.checkpoint_folder.is_dir()


def test_a_run_that_was_set_aside_may_go_on(
    tmp_path: Path, compose_experiment: ComposeExperiment
) -> None:
    before = compose_experiment(f"output_root={tmp_path}")
    source = finished_run(tmp_path, f"{run_name(before, 'data')}~1", Made(fingerprint="data"))
    source.config_file.write_text(yaml.safe_dump(before.resolved()), encoding="utf-8")
    source.environment_file.touch()
    source.checkpoint_folder.mkdir()
    run = Run(tmp_path / "longer")
    run.folder.mkdir()
    begin_with(source, run, replace(before, trainer=replace(before.trainer, epochs=9)), "data")
    assert run.checkpoint_folder.is_dir()


def test_a_run_that_is_not_there_is_named(run_command: RunCommand, tmp_path: Path) -> None:
    words = ("continue=absent", "trainer.epochs=3", f"output_root={tmp_path}")
    assert "'absent' names no runs" in run_command("train", *words).error


def test_an_ensemble_is_refused_in_one_line_that_names_its_runs(
    run_command: RunCommand, tmp_path: Path
) -> None:
    run = finished_run(tmp_path, "d-f-ensemble-1")
    written(tmp_path)
    # What its runs do not share is not in its configuration.
    config = run.read_config()
    del config["trainer"]
    run.config_file.write_text(yaml.safe_dump(config), encoding="utf-8")
    outcome = run_command("train", f"continue={run.folder}", "trainer.epochs=3")
    assert "has no network of its own; name one of its runs: d-f-svm-1, d-f-cnn-2" in outcome.error
