from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.config.validation import select
from genrecls.errors import ConfigError
from genrecls.models.base import MODELS
from genrecls.models.music_tagger import MusicTagger
from genrecls.models.sklearn import Sklearn
from genrecls.training.callbacks import Callback, TrainingPlan
from genrecls.training.checkpoint import Progress
from genrecls.training.data import Examples
from genrecls.training.estimator import EstimatorTask, fit_estimator
from genrecls.training.frozen_outputs import skip_frozen
from genrecls.training.loop import probabilities
from tests.training.toys import N_CLASSES, SIZE, toy_examples, trainer_settings

pytestmark = pytest.mark.tensorflow

FAMILY: dict[str, Any] = {
    "name": "sklearn",
    "estimator": "svm",
    "statistics": ["mean", "deviation", "minimum", "maximum", "movement"],
    "kernel": "rbf",
    "trees": 5,
    "candidates": {
        "scaling": ["standard"],
        "c": [1e-4, 1.0],
        "gamma": [1.0],
        "leaf": [1],
        "neighbours": [1, 5],
    },
    "folds": 3,
}


def task(training: Examples, **changes: Any) -> EstimatorTask:
    family = select(MODELS, {**FAMILY, **changes})
    assert isinstance(family, Sklearn)
    return EstimatorTask(
        family=family,
        shapes={name: values.shape[1:] for name, values in training.inputs.items()},
        n_classes=N_CLASSES,
        trainer=trainer_settings(),
        seed=0,
        training=training,
        validation=toy_examples(9, seed=5),
        artists={},
        outputs=Path("none"),
    )


class Steps(Callback):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, float]] = []
        self.plan: TrainingPlan | None = None
        self.ended = 0

    def on_stage_start(self, _: Progress, plan: TrainingPlan) -> None:
        self.plan = plan

    def on_step(self, _epoch: int, _step: int, loss: float, accuracy: float) -> None:
        self.steps.append((loss, accuracy))

    def on_stage_end(self) -> None:
        self.ended += 1


def table(rows: np.ndarray[Any, Any], targets: Any, tracks: Any) -> Examples:
    values = rows.astype(np.float32)
    return Examples({"table": values}, np.asarray(targets), tuple(tracks), np.zeros(len(rows)))


def test_inner_folds_choose_the_setting_that_is_better_on_what_they_left_out() -> None:
    follower = Steps()
    result = fit_estimator(task(toy_examples(30)), follower)
    assert result.settings == {"scaling": "standard", "c": 1.0, "gamma": 1.0}
    assert follower.plan == TrainingPlan(epochs=1, steps=2, monitor="loss")
    assert len(follower.steps) == 2
    assert follower.ended == 1
    (row,) = result.progress.history
    assert row["accuracy"] == 1
    assert row["validation_accuracy"] > 0.8


def test_the_network_takes_pictures_as_they_are_and_answers_alike_however_often_it_is_fitted() -> (
    None
):
    examples = toy_examples(30)
    first, second = (fit_estimator(task(examples), Callback()).model for _ in range(2))
    assert first.input["mfcc"].shape == (None, *SIZE)
    answers = probabilities(first, examples, 8)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(answers, probabilities(second, examples, 8))


def test_artists_and_tracks_are_never_on_both_sides_of_an_inner_fold() -> None:
    # Two segments of a track are the same point, and a genre says nothing about where it lies: only
    # who has seen the other segment, or the other track of the artist, can know.
    points = np.repeat(np.random.default_rng(0).standard_normal((24, 4)), 2, axis=0)
    targets = np.repeat(np.arange(24) % N_CLASSES, 2)
    tracks = [f"t{number // 2}" for number in range(48)]
    same = task(table(points, targets, tracks), estimator="knn")
    validation = table(points[:6], targets[:6], tracks[:6])
    seen = Steps()
    fit_estimator(replace(same, validation=validation), seen)
    assert max(accuracy for _, accuracy in seen.steps) < 0.7
    apart = replace(same, training=table(points, targets, map(str, range(48))))
    leaky, kept = Steps(), Steps()
    fit_estimator(replace(apart, validation=validation), leaky)
    assert leaky.steps[0][1] > 0.9
    artists = {str(number): f"a{number // 2}" for number in range(48)}
    fit_estimator(replace(apart, validation=validation, artists=artists), kept)
    assert kept.steps[0][1] < 0.7


def test_nothing_is_tried_on_distorted_copies_but_they_are_learnt_from() -> None:
    examples = toy_examples(12)
    # Copies that say the opposite.
    copies = ({"mfcc": np.roll(examples.inputs["mfcc"], 1, axis=0)},)
    plain, copied = Steps(), Steps()
    fit_estimator(task(examples, estimator="knn"), plain)
    result = fit_estimator(task(replace(examples, copies=copies), estimator="knn"), copied)
    assert plain.steps != copied.steps
    layer = result.model.get_layer("examples")
    assert layer.kernel.shape[1] == 24


def test_no_more_neighbours_are_asked_than_a_fit_has_segments() -> None:
    few = toy_examples(12)
    many = task(few, estimator="knn", candidates={**FAMILY["candidates"], "neighbours": [1, 9, 15]})
    follower = Steps()
    assert fit_estimator(many, follower).settings["neighbours"] == 1
    assert follower.plan == TrainingPlan(epochs=1, steps=1, monitor="loss")
    none = task(few, estimator="knn", candidates={**FAMILY["candidates"], "neighbours": [20, 15]})
    with pytest.raises(ConfigError, match="neighbours: received 15 and more, but a fit has 8 segm"):
        fit_estimator(none, Steps())


def test_with_one_track_a_genre_nothing_can_be_tried_and_the_first_setting_is_taken() -> None:
    result = fit_estimator(task(toy_examples(N_CLASSES)), Callback())
    assert result.settings["c"] == 1e-4
    assert np.isfinite(result.progress.history[0]["validation_loss"])


@pytest.mark.parametrize("place", ["_try", "_network"])
def test_who_follows_hears_of_the_end_after_an_error_too(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(f"genrecls.training.estimator.{place}", fails)
    follower = Steps()
    with pytest.raises(MemoryError):
        fit_estimator(task(table(np.eye(6, 4), np.arange(6) % N_CLASSES, "abcdef")), follower)
    assert follower.ended == 1


def test_an_estimator_on_an_embedding_is_one_network_with_the_backbone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The weights are not here, and random filters tell these apart as well.
    monkeypatch.setattr(MusicTagger, "initialise", lambda *_: None)
    backbone = {"model": "music_vgg", "weights": "msd", "layer": "pool2"}
    pictures = np.random.default_rng(0).normal(size=(24, 40, 96)).astype(np.float32)
    targets = np.arange(24) % N_CLASSES
    pictures += 4 * targets[:, None, None]
    training = Examples({"mel": pictures}, targets, tuple(map(str, range(24))), np.zeros(24))
    small = task(training, estimator="logistic", backbone=backbone)
    result = fit_estimator(replace(small, validation=None, outputs=tmp_path), Callback())
    names = [layer.name for layer in result.model.layers]
    assert names[0] == "mel"
    assert names.index("pool2_mean") < names.index("normalise_columns")
    assert result.progress.history[0]["accuracy"] == 1
    # What the backbone says of each example is kept for the scores and for the next fit.
    assert "backbone outputs: 24 from the cache, 0 computed" in capsys.readouterr().err
    assert len([*tmp_path.rglob("*.npz")]) == 24
    left = skip_frozen(result.model, result.frozen, training, tmp_path)
    expected = probabilities(result.model, training, 8)
    np.testing.assert_allclose(probabilities(*left, 8), expected, atol=1e-5)
    assert len([*tmp_path.rglob("*.npz")]) == 24


def test_the_features_of_a_backbone_and_its_layers_are_checked() -> None:
    def family(**changes: Any) -> Sklearn:
        backbone = {"model": "musicnn", "weights": "msd", "layer": "mid_end", **changes}
        chosen = select(MODELS, {**FAMILY, "backbone": backbone})
        assert isinstance(chosen, Sklearn)
        return chosen

    family().check({"mel": (1876, 96)})
    assert family().pretraining == "Million Song Dataset"
    with pytest.raises(ConfigError, match=r"model\.backbone\.layer: received 'pool9'"):
        family(layer="pool9").check({"mel": (1876, 96)})
    with pytest.raises(ConfigError, match="takes 96 mel bands"):
        family().check({"mel": (1876, 64)})
