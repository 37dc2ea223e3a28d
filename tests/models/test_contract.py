"""What every registered model family must do; a new one is tested by being there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ConfigError
from genrecls.models.base import MODELS, Normalisation
from genrecls.models.cost import layer_costs
from tests.models.families import N_CLASSES, build, family, noise

SIZES = ((130, 13), (258, 13), (130, 128))
SMALL = (40, 13)


@pytest.fixture(params=list(MODELS))
def name(request: pytest.FixtureRequest) -> str:
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    return str(request.param)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_gives_one_probability_vector_a_segment(name: str, size: tuple[int, int]) -> None:
    found = build(name, size).predict({"mfcc": noise(3, size)}, verbose=0)
    assert found.shape == (3, N_CLASSES)
    assert (found > 0).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert np.ptp(found, axis=0).max() > 1e-4, "different segments give different answers"


@pytest.mark.parametrize("n_classes", [2, 7])
def test_it_has_an_output_for_every_genre(name: str, n_classes: int) -> None:
    assert build(name, SMALL, n_classes=n_classes).output_shape == (None, n_classes)


def test_it_keeps_the_name_of_its_input(name: str) -> None:
    network = build(name, SMALL, source="mel")
    assert list(network.input) == ["mel"]
    assert network.input["mel"].shape == (None, *SMALL)
    assert network.predict({"mel": noise(2, SMALL)}, verbose=0).shape == (2, N_CLASSES)


def test_it_is_called_as_its_family(name: str) -> None:
    assert build(name, SMALL).name == family(name).name == name


def test_it_comes_back_from_a_file_exactly(name: str, tmp_path: Path) -> None:
    import keras

    mean, deviation = np.linspace(-300, 3, 13), np.linspace(0.1, 30, 13)
    statistics = {"mfcc": Normalisation(mean, deviation**2)}
    network = build(name, SMALL, statistics=statistics)
    network.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    batch = (noise(4, SMALL) * deviation + mean).astype(np.float32)
    found = network.predict({"mfcc": batch}, verbose=0)
    assert np.ptp(found, axis=0).max() > 1e-4
    assert np.array_equal(found, again.predict({"mfcc": batch}, verbose=0))


def test_a_segment_gets_the_same_answer_alone_as_among_others(name: str) -> None:
    network, batch = build(name, SMALL), noise(7, SMALL)
    together = network.predict({"mfcc": batch}, verbose=0)
    each = [network.predict({"mfcc": batch[i : i + 1]}, verbose=0) for i in range(7)]
    alone = np.concatenate(each)
    assert np.ptp(together, axis=0).max() > 1e-4
    assert np.abs(together - alone).max() < 1e-6


def test_a_gradient_step_lowers_the_loss_of_its_batch(name: str) -> None:
    import keras

    network = build(name, SMALL, head={"units": [16], "dropout": 0.0})
    network.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    batch, targets = {"mfcc": noise(16, SMALL)}, np.arange(16) % N_CLASSES
    before = network.train_on_batch(batch, targets)
    after = network.train_on_batch(batch, targets)
    assert float(after) < float(before)


def test_every_trainable_weight_gets_a_gradient(name: str) -> None:
    import keras
    import tensorflow as tf

    network = build(name, SMALL)
    with tf.GradientTape() as tape:
        found = network({"mfcc": noise(8, SMALL)}, training=True)
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(np.arange(8), found))
    gradients = tape.gradient(loss, network.trainable_variables)
    pairs = zip(network.trainable_variables, gradients, strict=True)
    assert [variable.path for variable, gradient in pairs if gradient is None] == []


def test_statistics_undo_what_was_done_to_the_data(name: str) -> None:
    mean, deviation = np.linspace(-200, 20, 13), np.linspace(0.5, 40, 13)
    plain = build(name, SMALL)
    moved = build(name, SMALL, statistics={"mfcc": Normalisation(mean, deviation**2)})
    moved.set_weights(_with_statistics_of(moved, plain))
    batch = noise(5, SMALL)
    shifted = (batch * deviation + mean).astype(np.float32)
    expected = plain.predict({"mfcc": batch}, verbose=0)
    assert np.ptp(expected, axis=0).max() > 1e-4
    assert np.abs(moved.predict({"mfcc": shifted}, verbose=0) - expected).max() < 1e-4
    assert np.abs(moved.predict({"mfcc": batch}, verbose=0) - expected).max() > 1e-3


def test_equal_seeds_give_equal_weights_and_other_seeds_others(name: str) -> None:
    import keras

    weights = []
    for seed in (5, 5, 6):
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        weights.append(np.concatenate([w.ravel() for w in build(name, SMALL).get_weights()]))
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_the_costs_add_up_to_the_parameters_of_the_network(name: str) -> None:
    network = build(name, SMALL)
    costs = layer_costs(network)
    assert sum(cost.parameters for cost in costs) == network.count_params()
    assert sum(cost.macs for cost in costs) > network.count_params() / 2
    assert [cost.name for cost in costs] == [layer.name for layer in network.layers]


@pytest.mark.parametrize(
    "shapes",
    [
        {"vector": (40,)},
        {"cube": (130, 13, 2)},
        {"mfcc": (130, 13), "mel": (130, 128)},
        {},
    ],
    ids=["no picture", "three axes", "two inputs", "nothing"],
)
def test_inputs_that_it_cannot_take_are_refused_in_one_line(
    name: str, shapes: dict[str, tuple[int, ...]]
) -> None:
    with pytest.raises(ConfigError, match=f"^model={name}: takes one input") as caught:
        family(name).check(shapes)
    assert "\n" not in str(caught.value)
    assert all(source in str(caught.value) for source in shapes)


def test_an_unknown_key_is_refused_with_the_nearest_one(name: str) -> None:
    with pytest.raises(ConfigError, match=r"model\.haed: unknown key; .*did you mean 'head'\?"):
        family(name, haed={})


def _with_statistics_of(kept: Any, given: Any) -> list[Any]:
    """Return the weights of `given` but the input statistics of `kept`."""
    pairs = zip(kept.weights, given.weights, strict=True)
    return [(k if "normalise" in k.path else g).numpy() for k, g in pairs]
