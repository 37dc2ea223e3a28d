"""What a student learns from a teacher's answers, and what is left of that afterwards."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.config.validation import validate
from genrecls.errors import ConfigError, Interrupted
from genrecls.models import tensorflow_setup
from genrecls.training.callbacks import Callbacks
from genrecls.training.data import Examples, join
from genrecls.training.distillation import Distillation, soften, with_projection
from genrecls.training.distribution import Devices
from genrecls.training.loop import TrainingData, fit
from genrecls.training.settings import DistillSettings
from genrecls.training.step import Learner
from tests.training.staged import HEAD, Staged, fitted, task
from tests.training.toys import (
    N_CLASSES,
    SIZE,
    StoppingBatches,
    augment_settings,
    batch_maker,
    same,
    timeless,
    toy_examples,
    trainer_settings,
    values,
)

EMBEDDING = 5


def settings(**changes: Any) -> DistillSettings:
    return validate(DistillSettings, changes, "distill")


def distillation(classes: int = N_CLASSES, **changes: Any) -> Distillation:
    return Distillation(settings(**changes), classes, EMBEDDING)


def taught(count: int, *, unlabelled: int = 0) -> Examples:
    """Return examples with soft labels and embeddings; the last ones have no genre."""
    examples = toy_examples(count)
    noise = np.random.default_rng(0).standard_normal((count, N_CLASSES + EMBEDDING))
    answers = noise.astype(np.float32)
    answers[:, :N_CLASSES] = soften(np.abs(answers[:, :N_CLASSES]), 1.0)
    targets = examples.targets.copy()
    targets[count - unlabelled :] = -1
    return replace(examples, targets=targets, teacher=answers)


def student(seed: int = 0, dropout: float = 0.3) -> Any:
    tensorflow_setup.fresh(seed)
    model = Staged("staged", standardise=False, plan=()).build({"mfcc": SIZE}, N_CLASSES, {})
    model.get_layer("dropout1").rate = dropout
    return model


def divergence(p: NDArray[Any], q: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((p * np.log(p / q)).sum(axis=1))


def test_the_loss_is_the_weighted_sum_of_genres_soft_labels_and_embedding() -> None:
    chosen = distillation(label_weight=0.3, soft_weight=0.7, embedding_weight=0.5, temperature=2.0)
    network = with_projection(student(dropout=0.0), chosen, ())
    weights = np.ones(N_CLASSES, np.float32)
    learner = Learner(network, None, 0.1, weights, chosen)
    batch = taught(6, unlabelled=2)
    assert batch.teacher is not None
    genres = np.eye(N_CLASSES, dtype=np.float32)[batch.targets] * (batch.targets >= 0)[:, None]
    # The last but one is mixed: 0.6 of a genre, the rest of no genre.
    genres[-2, 1] = 0.6
    inputs = dict(batch.inputs)
    each, hits = learner.compare(inputs, np.concatenate([genres, batch.teacher], axis=1))
    probabilities, projection = (output.numpy() for output in network(inputs))
    logs = np.log(probabilities)
    spread = -0.1 * logs.mean(axis=1)
    hard = genres.sum(axis=1) * spread - 0.9 * (genres * logs).sum(axis=1)
    soft = divergence(batch.teacher[:, :N_CLASSES], soften(probabilities, 2.0))
    target = batch.teacher[:, N_CLASSES:]
    lengths = np.linalg.norm(target, axis=1) * np.linalg.norm(projection, axis=1)
    distance = 1 - (target * projection).sum(axis=1) / lengths
    expected = 0.3 * hard + 0.7 * 4 * soft + 0.5 * distance
    np.testing.assert_allclose(each, expected, rtol=1e-4)
    right = (probabilities.argmax(axis=1) == genres.argmax(axis=1)) & [1, 1, 1, 1, 1, 0]
    assert hits.numpy().tolist() == right.astype(bool).tolist()


def test_mixup_blends_the_answers_by_the_weights_of_the_genres() -> None:
    examples = toy_examples(16)
    examples = replace(examples, teacher=np.eye(N_CLASSES, dtype=np.float32)[examples.targets])
    batches = batch_maker(examples, augment=augment_settings(mixup=0.4))
    for _, targets in batches.epoch(0):
        genres, answers = np.split(targets.numpy(), [N_CLASSES], axis=1)
        assert np.array_equal(genres, answers)
        assert (genres.max(axis=1) < 1).any()


def test_an_interrupted_training_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    chosen = distillation()

    def trained(folder: str, stop: tuple[int, int] | None, seed: int = 0) -> Any:
        batches = batch_maker(taught(27, unlabelled=12), augment=augment_settings(mixup=0.4))
        if stop is not None:
            batches = StoppingBatches(**vars(batches), stop_at=stop, number=signal.SIGTERM)
        model = with_projection(student(seed), chosen, ())
        data = TrainingData(model, batches, toy_examples(9, seed=1), chosen)
        trainer = trainer_settings(epochs=2, ema=0.8)
        return model, fit(data, trainer, tmp_path / folder, Devices(), Callbacks())

    model, progress = trained("whole", None)
    for attempt, stop in enumerate(((0, 2), (1, 1))):
        with pytest.raises(Interrupted):
            trained("pieces", stop, seed=attempt)
    again, resumed = trained("pieces", None, seed=9)
    assert timeless(progress.history) == timeless(resumed.history)
    assert same(values(model.variables), values(again.variables))
    assert all(0 <= row["accuracy"] <= 1 for row in progress.history)


def test_the_trained_network_has_no_projection_and_validation_hears_of_no_teacher(
    tmp_path: Path,
) -> None:
    chosen = task(HEAD, training=taught(24), distillation=distillation(), trainer={"epochs": 1})
    result = fitted(tmp_path, chosen)
    plain = fitted(tmp_path, replace(chosen, training=toy_examples(24), distillation=None), "plain")
    assert [layer.name for layer in result.model.layers] == [
        layer.name for layer in plain.model.layers
    ]
    (row,), (other,) = result.progress.history, plain.progress.history
    # What is learnt is another loss, what is validated is the same.
    assert row["loss"] > other["loss"] + 1
    assert 0 < abs(row["validation_loss"] - other["validation_loss"]) < 0.2
    assert result.model.predict(dict(toy_examples(3).inputs), verbose=0).shape == (3, N_CLASSES)


@pytest.mark.parametrize(("layer", "frozen"), [("flatter", ()), ("flat", ("bottom",))])
def test_a_layer_that_cannot_be_projected_is_refused(layer: str, frozen: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=rf"distill.student_layer: received '{layer}', .* bottom"):
        with_projection(student(), distillation(student_layer=layer), frozen)


def test_soft_labels_are_those_of_logits_divided_by_the_temperature() -> None:
    logits = np.array([[2.0, 0.0, -1.0]])
    shares = np.exp(logits) / np.exp(logits).sum()
    expected = np.exp(logits / 3) / np.exp(logits / 3).sum()
    np.testing.assert_allclose(soften(shares.astype(np.float32), 3.0), expected, rtol=1e-5)


def test_music_without_genres_stands_behind_the_other_in_memory_and_in_a_file(
    tmp_path: Path,
) -> None:
    one, other = toy_examples(5), taught(4, unlabelled=4)
    for folder in (None, tmp_path):
        both = join(one, other, folder)
        assert both.targets.tolist() == [*one.targets, -1, -1, -1, -1]
        assert both.tracks == (*one.tracks, *other.tracks)
        assert np.array_equal(both.inputs["mfcc"][5:], other.inputs["mfcc"])


def test_a_batch_counts_those_that_have_a_genre() -> None:
    batches = batch_maker(taught(24, unlabelled=10))
    counts = [batches.count_labelled(targets) for _, targets in batches.epoch(0)]
    assert sum(counts) == 14


def test_weights_that_teach_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"distill.soft_weight: received 0 beside"):
        settings(soft_weight=0, embedding_weight=0)
