"""A training that ends on the train and validation parts together, and one with frozen layers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls import api
from genrecls.errors import ConfigError, RunError
from genrecls.experiment.evaluate import evaluate
from genrecls.experiment.experiment import compose_experiment
from genrecls.experiment.robustness import evaluate_robustness
from genrecls.experiment.train import train
from genrecls.export import export as exports
from genrecls.export.convert.conversion import ConversionRequest, ConversionResult
from genrecls.inference.files import load_classifier
from genrecls.runs.metrics import REFITTED
from genrecls.runs.model_file import load
from genrecls.runs.run import Run
from genrecls.training.callbacks import Callback
from genrecls.training.checkpoint import Progress
from tests.conftest import RunCommand
from tests.export.exported import convert_here
from tests.training.staged import HEAD, Staged

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("without_figures")]

_MODEL = ("debug=smoke", "model=mlp", "features=summary", "trainer.epochs=3")
_REFIT = (*_MODEL, "trainer.calibration=temperature", "trainer.refit=true")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


def _words(root: Path, words: Sequence[str], outputs: str = "outputs") -> list[str]:
    return [*words, f"data_root={root / 'data'}", f"output_root={root / outputs}"]


@pytest.fixture(scope="module")
def once(root: Path, tensorflow: None) -> Run:
    words = ("trainer.calibration=temperature",)
    return api.train(*_words(root, (*_MODEL, *words)), progress=False)


@pytest.fixture(scope="module")
def refitted(root: Path, tensorflow: None) -> Run:
    return api.train(*_words(root, _REFIT), progress=False)


def _weights(run: Run) -> list[Any]:
    return list(load(run.model_file)[0].get_weights())


def test_validation_has_the_scores_from_before_it_learnt_too(once: Run, refitted: Run) -> None:
    before, after = once.read_metrics(), refitted.read_metrics()
    assert after.validation == before.validation
    assert after.selection.temperature == before.selection.temperature
    assert (before.selection.refit, after.selection.refit) == (False, True)
    assert after.split.counts == before.split.counts
    assert (before.split.caveat, after.split.caveat) == ("", REFITTED)
    assert once.history_file.read_text("utf-8").count("\n") == 4
    assert refitted.history_file.read_text("utf-8").count("\n") == 4
    assert after.seconds["refit"] > 0


def test_the_model_is_one_that_has_learnt_from_both(once: Run, refitted: Run) -> None:
    pairs = zip(_weights(once), _weights(refitted), strict=True)
    assert any(not np.array_equal(one, other) for one, other in pairs)
    assert once.read_metrics().test != refitted.read_metrics().test
    shown = json.loads(refitted.metrics_file.read_text("utf-8"))
    again = evaluate(refitted, "test", None, _data_root(refitted), None)
    assert shown["parts"]["test"]["track"]["log_loss"] == again.scores.track.log_loss


def _data_root(run: Run) -> str:
    return str(run.read_config()["data_root"])


def test_validation_cannot_be_scored_by_what_has_learnt_from_it(refitted: Run) -> None:
    for score in (evaluate, evaluate_robustness):
        with pytest.raises(RunError, match=r"part=validation was learnt from, too .*: test$"):
            score(refitted, "validation", None, _data_root(refitted), None)


def test_what_has_learnt_from_validation_does_not_teach(root: Path, refitted: Run) -> None:
    words = _words(root, (*_MODEL, f"teacher={refitted.folder}"))
    with pytest.raises(RunError, match=r"has learnt from .* trained with trainer\.refit=false$"):
        api.train(*words, progress=False)


class _Stop(Callback):
    """Stops the second training of a run after its first epoch."""

    def __init__(self) -> None:
        self.trainings = 0

    def on_stage_end(self) -> None:
        self.trainings += 1

    def on_epoch_end(self, progress: Progress) -> None:  # noqa: ARG002
        if self.trainings == 1:
            raise KeyboardInterrupt


def test_a_refit_that_is_interrupted_goes_on_bit_for_bit(root: Path, refitted: Run) -> None:
    words = _words(root, _REFIT, "interrupted")
    with pytest.raises(KeyboardInterrupt):
        train(compose_experiment(words), "", [_Stop()])
    (folder,) = (root / "interrupted").glob("synth*")
    assert (folder / "checkpoint" / "refit").is_dir()
    again = api.train(*words, progress=False)
    for one, other in zip(_weights(again), _weights(refitted), strict=True):
        assert np.array_equal(one, other)
    assert not again.checkpoint_folder.exists(), "it cannot go on to more epochs"


def test_an_estimator_is_fitted_to_both_parts(root: Path, tensorflow: None) -> None:
    words = ("debug=smoke", "model=logistic", "features=summary")
    one = api.train(*_words(root, words), progress=False)
    other = api.train(*_words(root, (*words, "trainer.refit=true")), progress=False)
    assert other.read_metrics().validation == one.read_metrics().validation
    assert other.read_metrics().test != one.read_metrics().test


def test_all_parts_are_scored_on_kept_outputs_of_frozen_layers(
    root: Path,
    tensorflow: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trainer = ("trainer.calibration=temperature", "trainer.refit=true")
    words = _words(root, ("debug=smoke", "features=mfcc", *trainer), "frozen")
    monkeypatch.setattr(Staged, "stages", lambda _: (HEAD,))
    family = Staged("staged", standardise=False, plan=())
    experiment = replace(compose_experiment(words), model=family)
    kept = train(experiment, "", [])
    assert kept is not None
    outputs = re.findall(r"outputs: (\d+) from the cache, (\d+) computed", capsys.readouterr().err)
    metrics = kept.read_metrics()
    learnt, validation, test = (counts.segments for counts in metrics.split.counts.values())
    assert [(int(cached), int(computed)) for cached, computed in outputs] == [
        (0, learnt),
        (0, validation),
        (validation, 0),  # the temperature
        (validation, 0),  # the scores of validation
        (learnt + validation, 0),  # the refit
        (0, test),  # the scores of test
    ]

    monkeypatch.setattr("genrecls.training.stages.can_keep_outputs", lambda *_: False)
    again = train(replace(experiment, run=replace(experiment.run, force=True)), "", [])
    assert again is not None
    assert "outputs:" not in capsys.readouterr().err
    for part, scores in again.read_metrics().parts.items():
        assert metrics.parts[part].segment.log_loss == pytest.approx(scores.segment.log_loss, 1e-4)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("trainer=plateau",), "trainer.schedule.name=plateau, which validation steers"),
        (
            ("model=musicnn_msd", "model.train=fine_tune", "features=musicnn_mel"),
            "trained in stages, each of which",
        ),
        (("split=segment",), "split=segment divides tracks"),
    ],
)
def test_what_needs_a_validation_part_is_not_refitted(words: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ConfigError, match=f"^trainer.refit: received true, but .*{reason}"):
        compose_experiment(["trainer.refit=true", *words])


def test_a_refitted_run_does_not_go_on_to_more_epochs(
    refitted: Run, run_command: RunCommand
) -> None:
    outcome = run_command("train", f"continue={refitted.folder}", "trainer.epochs=5")
    assert "trainer.refit=true ends it with a training on other data" in outcome.error


def test_exported_files_are_compared_on_what_the_model_has_not_learnt(
    refitted: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: None
) -> None:
    def convert(request: ConversionRequest) -> Iterator[ConversionResult]:
        yield from convert_here(request, tmp_path / "conversion").values()

    monkeypatch.setattr(exports, "convert", convert)
    result = api.export(refitted, inputs=["features"], modes=["float32"])
    (file,) = result.facts.kept
    assert file.gate is not None
    assert file.gate.parts == ("test",)
    held_out = load_classifier(result.folder / file.file).description.held_out
    assert held_out == load_classifier(refitted.model_file).description.held_out
