"""Settings of finished runs trained on all tracks, and the files made of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from genrecls import api
from genrecls.errors import ExportError, RunError
from genrecls.experiment.refit import Refit, refit
from genrecls.export import refit as exports
from genrecls.export.convert.conversion import ConversionRequest, ConversionResult
from genrecls.export.formats import ExportFormat
from genrecls.files.tables import write_json
from genrecls.inference.files import load_classifier
from genrecls.runs.export_facts import export_file
from genrecls.runs.model_file import load
from genrecls.runs.run import Run
from tests.conftest import RunCommand
from tests.export.exported import convert_here
from tests.export.exported_facts import export_facts, kept
from tests.runs.finished_runs import Made, finished_run

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("without_figures")]

FLOAT = ExportFormat("features", "float32")
BLOCK = "filters: 4, kernel: [3, 3], stride: [1, 1], pool: [4, 2], pool_stride: null"
NO_BOUNDS = dict.fromkeys(("difference", "decisions", "accuracy"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, tensorflow: None) -> Path:
    return tmp_path_factory.mktemp("refit")


@pytest.fixture(scope="module")
def folds(root: Path) -> list[Run]:
    """Two finished runs that differ in the fold."""
    words = (
        "debug=smoke",
        f"model.conv.blocks=[{{{BLOCK}}}]",
        "features.n_mels=16",
        "split=kfold",
        "split.k=3",
        "trainer.epochs=1",
        "trainer.calibration=temperature",
        f"data_root={root / 'data'}",
        f"output_root={root / 'outputs'}",
    )
    return [api.train(*words, f"split.fold={fold}", progress=False) for fold in (1, 2)]


@pytest.fixture(scope="module")
def result(folds: list[Run], root: Path) -> Refit:
    return refit(folds, "toy", data_root=str(root / "data"), display=())


def test_it_learns_from_every_track_and_has_the_scores_of_its_runs(
    result: Refit, folds: list[Run]
) -> None:
    assert list(result.data.parts) == ["train"]
    assert len(set(result.data.parts["train"].tracks)) == 30
    _, card = load(result.file)
    accuracies = [run.metrics.test.track.accuracy for run in folds]
    assert card.test["track"]["accuracy"] == pytest.approx(np.mean(accuracies))
    assert card.refit is not None
    assert (card.refit["runs"], card.refit["tracks"]) == (2, 30)
    low, high = card.refit["interval"]
    assert low <= np.mean(accuracies) <= high


def test_it_says_that_its_score_is_not_its_own(result: Refit) -> None:
    line = str(load_classifier(result.file).description)
    assert "model toy: trained on all 30 tracks of synth; its settings had an accuracy of" in line
    assert "per track on the test parts of 2 runs, split kfold" in line


def test_it_is_no_run_and_keeps_no_checkpoint(result: Refit, root: Path, folds: list[Run]) -> None:
    assert {run.name for run in api.runs(root / "outputs")} == {run.name for run in folds}
    assert [path.name for path in result.folder.iterdir()] == ["model.keras"]


def test_the_same_runs_find_it_again_in_any_order(
    result: Refit, folds: list[Run], root: Path
) -> None:
    again = refit(folds[::-1], "toy", data_root=str(root / "data"), display=())
    assert again.file == result.file
    for one, other in zip(again.model.get_weights(), result.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_its_file_says_what_its_runs_or_their_teachers_had_heard(
    result: Refit, folds: list[Run], root: Path
) -> None:
    file = folds[0].metrics_file
    recorded = file.read_text(encoding="utf-8")
    metrics = json.loads(recorded)
    metrics["model"]["pretraining"] = "Million Song Dataset"
    file.write_text(json.dumps(metrics), encoding="utf-8")
    again = refit(folds, "toy", data_root=str(root / "data"), display=())
    file.write_text(recorded, encoding="utf-8")
    assert again.file == result.file
    assert load(again.file)[1].pretraining == "Million Song Dataset"


def test_its_files_are_those_of_the_runs_with_their_mean_scores(
    result: Refit, folds: list[Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for run, accuracy in zip(result.runs, (0.5, 0.7), strict=True):
        file = replace(kept(FLOAT, accuracy=accuracy), bounds=NO_BOUNDS)
        audio = kept(ExportFormat("audio", "float32"))
        record = next(each for each in result.system.runs if each.name == run.name)
        same = {key: record.config[key] for key in ("features", "segment")}
        same["labels"] = result.card.labels
        write_json(export_file(run), export_facts([file, audio], **same).to_json())

    def convert(request: ConversionRequest) -> Iterator[ConversionResult]:
        yield from convert_here(request, tmp_path / "conversion").values()

    monkeypatch.setattr(exports, "convert", convert)
    (file,) = exports.export_refit(result)
    assert file.file == FLOAT.file
    assert file.test is not None
    assert file.test.track.accuracy == pytest.approx(0.6)
    description = load_classifier(result.folder / file.file).description
    assert description.run == "toy"
    assert description.refit is not None
    assert description.refit["tracks"] == 30


def test_runs_that_were_not_exported_have_no_files(result: Refit) -> None:
    for run in result.runs:
        export_file(run).unlink(missing_ok=True)
    with pytest.raises(ExportError, match=r"was not exported.*genrecls export --tflite"):
        exports.export_refit(result)


def test_runs_that_are_no_one_configuration_are_refused_in_one_line(tmp_path: Path) -> None:
    one = finished_run(tmp_path, "d-f-cnn-1")
    other = finished_run(tmp_path, "d-f-rnn-2", Made(model="rnn"))
    with pytest.raises(RunError, match="received 2 configurations, such as those of"):
        refit([one, other])
    with pytest.raises(RunError, match="expected finished runs, received none"):
        refit([])


def test_a_training_that_validation_steers_is_refused_in_one_line(
    folds: list[Run], root: Path, run_command: RunCommand
) -> None:
    run = Run(root / "outputs" / "synth-mfcc-cnn-plateau")
    shutil.copytree(folds[0].folder, run.folder)
    config = yaml.safe_load(run.config_file.read_text(encoding="utf-8"))
    config["trainer"]["schedule"]["name"] = "plateau"
    run.config_file.write_text(yaml.safe_dump(config), encoding="utf-8")
    places = (f"data_root={root / 'data'}", f"output_root={root / 'outputs'}")
    outcome = run_command("refit", run.name, *places)
    shutil.rmtree(run.folder)
    assert outcome.status == 1
    assert "trainer.schedule.name=plateau, which validation steers" in outcome.error


def test_students_of_a_teacher_a_fold_are_refused_with_the_reason(
    folds: list[Run], root: Path, run_command: RunCommand
) -> None:
    run = Run(shutil.copytree(folds[0].folder, root / "students" / "synth-mfcc-cnn-student"))
    config = yaml.safe_load(run.config_file.read_text(encoding="utf-8"))
    config["teacher"] = "synth-*"
    run.config_file.write_text(yaml.safe_dump(config), encoding="utf-8")
    places = (f"data_root={root / 'data'}", f"output_root={root / 'students'}")
    outcome = run_command("refit", run.name, *places)
    assert outcome.status == 1
    assert "the runs have a teacher for each fold (teacher='synth-*')" in outcome.error


def test_an_estimator_is_refused_in_one_line(root: Path, run_command: RunCommand) -> None:
    places = (f"data_root={root / 'data'}", f"output_root={root / 'others'}")
    run = api.train("debug=smoke", "model=logistic", *places, progress=False)
    outcome = run_command("refit", run.name, *places)
    assert outcome.status == 1
    assert "is an estimator; its run can be used as it is" in outcome.error
