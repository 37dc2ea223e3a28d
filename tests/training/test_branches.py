"""Networks side by side: each learns for itself, and the trained network is their mean."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from genrecls.config.validation import validate
from genrecls.errors import Interrupted
from genrecls.models import tensorflow_setup
from genrecls.training.branches import average_branches, with_branches
from genrecls.training.callbacks import Callbacks
from genrecls.training.distillation import Distillation, with_projection
from genrecls.training.distribution import Devices
from genrecls.training.loop import TrainingData, fit
from genrecls.training.settings import DistillSettings
from genrecls.training.step import Learner
from tests.models.families import build_for, family
from tests.training.staged import fitted, task
from tests.training.toys import (
    N_CLASSES,
    SIZE,
    StoppingBatches,
    batch_maker,
    same,
    timeless,
    toy_examples,
    trainer_settings,
    values,
)

COUNT = 3
SMALL: dict[str, Any] = {
    "branches": COUNT,
    "dropout": 0.0,
    "stem": {"filters": 3, "kernel": [3, 3], "stride": [1, 1], "pool": None},
    "blocks": [{"filters": 4, "stride": 1, "pool": None, "expansion": 1}],
}


def network(seed: int = 0, **changes: Any) -> Any:
    tensorflow_setup.fresh(seed)
    return build_for("separable", {"mfcc": SIZE}, n_classes=N_CLASSES, **{**SMALL, **changes})


def answers_of_one(model: Any, number: int, inputs: Any) -> Any:
    """Return logits of a network of one branch that has the weights of one of several."""
    alone = network(seed=9, branches=1)
    for layer in alone.layers[:-1]:
        weights = layer.get_weights()
        if weights:
            layer.set_weights(model.get_layer(f"branch{number}_{layer.name}").get_weights())
    kernel, bias = model.get_layer("probabilities").get_weights()
    width = len(kernel) // COUNT
    own = [kernel[(number - 1) * width : number * width], bias]
    alone.get_layer("probabilities").set_weights(own)
    return np.log(alone.predict_on_batch(inputs))


def test_each_branch_answers_as_a_network_of_its_own_and_all_together_as_the_mean_of_logits() -> (
    None
):
    plain = network()
    trained = with_branches(plain, COUNT)
    inputs = toy_examples(6).inputs
    together, *alone = trained.predict_on_batch(inputs)
    logits = [answers_of_one(plain, number + 1, inputs) for number in range(COUNT)]
    for answered, expected in zip(alone, logits, strict=True):
        np.testing.assert_allclose(answered, softmax(expected, axis=1), atol=1e-6)
    np.testing.assert_allclose(together, softmax(np.mean(logits, axis=0), axis=1), atol=1e-6)
    assert not np.allclose(alone[0], alone[1], atol=1e-3)


def test_the_network_that_is_kept_answers_as_the_branches_do_together() -> None:
    trained, model = with_branches(network(1), COUNT), network(2)
    inputs = toy_examples(6).inputs
    average_branches(model, trained, COUNT)
    np.testing.assert_allclose(
        model.predict_on_batch(inputs), trained.predict_on_batch(inputs)[0], atol=1e-6
    )


def test_a_branch_learns_what_it_would_learn_without_the_others() -> None:
    import tensorflow as tf

    def gradients(seed_of_others: int) -> list[Any]:
        plain, others = network(0), network(seed_of_others)
        for layer in plain.layers:
            if layer.name.startswith(("branch2", "branch3")):
                layer.set_weights(others.get_layer(layer.name).get_weights())
        learner = Learner(with_branches(plain, COUNT), None, 0.1, np.ones(N_CLASSES, np.float32))
        examples = toy_examples(8)
        targets = np.eye(N_CLASSES, dtype=np.float32)[examples.targets]
        with tf.GradientTape() as tape:
            each, _ = learner.compare(dict(examples.inputs), targets)
            loss = tf.reduce_mean(each)
        own = plain.get_layer("branch1_stem").trainable_variables
        return [np.asarray(gradient) for gradient in tape.gradient(loss, own)]

    for first, second in zip(gradients(0), gradients(5), strict=True):
        assert np.abs(first).max() > 1e-4
        np.testing.assert_allclose(first, second, atol=1e-7)


def test_the_loss_is_the_mean_of_the_branches_with_a_teacher_too() -> None:
    settings = validate(DistillSettings, {"embedding_weight": 0.5}, "distill")
    chosen = Distillation(settings, N_CLASSES, 4)
    examples, rng = toy_examples(5), np.random.default_rng(0)
    genres = np.eye(N_CLASSES, dtype=np.float32)[examples.targets]
    soft = softmax(rng.standard_normal((5, N_CLASSES)), axis=1)
    columns = [genres, soft, rng.standard_normal((5, 4))]
    targets = np.concatenate(columns, axis=1).astype(np.float32)
    trained = with_branches(with_projection(network(), chosen, ()), COUNT)
    weights = np.ones(N_CLASSES, np.float32)
    loss, _ = Learner(trained, None, 0.0, weights, chosen).compare(dict(examples.inputs), targets)
    _, projection, *alone = trained(dict(examples.inputs), training=True)
    hard = [-(genres * np.log(each)).sum(axis=1) for each in alone]
    divergences = [chosen.compare_probabilities(each, targets[:, N_CLASSES:]) for each in alone]
    embedding = chosen.compare_embedding(projection, targets[:, N_CLASSES:])
    expected = settings.label_weight * np.mean(hard, axis=0) + np.mean(divergences, axis=0)
    np.testing.assert_allclose(loss, expected + embedding, rtol=1e-4)


def test_a_training_of_branches_that_is_interrupted_ends_like_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    def trained(folder: str, stop: tuple[int, int] | None, seed: int = 0) -> Any:
        batches = batch_maker(toy_examples(27))
        if stop is not None:
            batches = StoppingBatches(**vars(batches), stop_at=stop, number=signal.SIGTERM)
        model = with_branches(network(seed, dropout=0.3), COUNT)
        data = TrainingData(model, batches, toy_examples(9, seed=1))
        return model, fit(
            data, trainer_settings(epochs=2), tmp_path / folder, Devices(), Callbacks()
        )

    model, progress = trained("whole", None)
    with pytest.raises(Interrupted):
        trained("pieces", (1, 1))
    again, resumed = trained("pieces", None, seed=9)
    assert timeless(progress.history) == timeless(resumed.history)
    assert same(values(model.variables), values(again.variables))


def test_the_trained_network_is_that_of_the_family_and_validated_as_such(tmp_path: Path) -> None:
    chosen = replace(task(), family=family("separable", **SMALL))
    chosen = replace(chosen, trainer=replace(chosen.trainer, keep="last", calibration="none"))
    result = fitted(tmp_path, chosen)
    assert [layer.name for layer in result.model.layers] == [
        layer.name for layer in network().layers
    ]
    validation = chosen.validation
    assert validation is not None
    answers = result.model.predict(validation.inputs, verbose=0)
    right = (answers.argmax(axis=1) == validation.targets).mean()
    assert result.progress.history[-1]["validation_accuracy"] == pytest.approx(right)
