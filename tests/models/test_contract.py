"""What every registered family of networks must do; a new one is tested by being there."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ConfigError
from genrecls.models.base import MODELS, ModelFamily, Normalisation, Shapes
from genrecls.models.cost import layer_costs
from tests.models.families import (
    N_CLASSES,
    batch_of,
    build_for,
    family,
    inputs_of,
    takes,
    unit,
)


@pytest.fixture(params=[name for name in MODELS if issubclass(MODELS[name], ModelFamily)])
def name(request: pytest.FixtureRequest) -> str:
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    return str(request.param)


@pytest.fixture
def shapes(name: str) -> Shapes:
    """Small inputs that the family takes."""
    return inputs_of(name)[0]


@cache
def plain_network(name: str) -> Any:
    """Return a network of the family for its smallest inputs, for tests that leave it as it is."""
    import keras

    keras.utils.set_random_seed(3)
    return build_for(name, inputs_of(name)[0])


def test_it_gives_one_probability_vector_a_segment(name: str) -> None:
    for number, shapes in enumerate(inputs_of(name)):
        network = build_for(name, shapes) if number else plain_network(name)
        result = network(batch_of(3, shapes), training=False).numpy()
        assert result.shape == (3, N_CLASSES)
        assert (result > 0).all()
        assert result.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)
        assert np.ptp(result, axis=0).max() > 1e-4, "different segments give different answers"


@pytest.mark.parametrize("n_classes", [2, 7])
def test_it_has_an_output_for_every_genre(name: str, shapes: Shapes, n_classes: int) -> None:
    assert build_for(name, shapes, n_classes=n_classes).output_shape == (None, n_classes)


def test_it_keeps_the_names_of_its_inputs(name: str, shapes: Shapes) -> None:
    renamed = {f"other_{source}": size for source, size in shapes.items()}
    network = build_for(name, renamed)
    assert {source: x.shape for source, x in network.input.items()} == {
        source: (None, *size) for source, size in renamed.items()
    }
    assert network(batch_of(2, renamed), training=False).numpy().shape == (2, N_CLASSES)


def test_it_is_called_as_its_family(name: str) -> None:
    assert plain_network(name).name == family(name).name == name


def test_it_comes_back_from_a_file_exactly(name: str, shapes: Shapes, tmp_path: Path) -> None:
    import keras

    statistics = _moved(shapes) if family(name).standardise else unit(shapes)
    network = build_for(name, shapes, statistics=statistics)
    network.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    batch = _as_measured(batch_of(4, shapes), statistics)
    result = network(batch, training=False).numpy()
    assert np.ptp(result, axis=0).max() > 1e-4
    assert np.array_equal(result, again(batch, training=False).numpy())


def test_a_segment_gets_the_same_answer_alone_as_among_others(name: str, shapes: Shapes) -> None:
    network, batch = plain_network(name), batch_of(7, shapes)
    together = network(batch, training=False).numpy()
    each = [{source: x[i : i + 1] for source, x in batch.items()} for i in range(7)]
    alone = np.concatenate([network(one, training=False).numpy() for one in each])
    assert np.ptp(together, axis=0).max() > 1e-4
    assert np.abs(together - alone).max() < 1e-6


def test_a_gradient_step_lowers_the_loss_of_its_batch(name: str, shapes: Shapes) -> None:
    import keras

    network = build_for(name, shapes)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout | keras.layers.AlphaDropout):
            layer.rate = 0.0
    network.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    batch, targets = batch_of(16, shapes), np.arange(16) % N_CLASSES
    before = network.train_on_batch(batch, targets)
    after = network.train_on_batch(batch, targets)
    assert float(after) < float(before)


def test_every_trainable_weight_gets_a_gradient(name: str, shapes: Shapes) -> None:
    import keras
    import tensorflow as tf

    network = build_for(name, shapes)
    with tf.GradientTape() as tape:
        result = network(batch_of(8, shapes), training=True)
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(np.arange(8), result))
    gradients = tape.gradient(loss, network.trainable_variables)
    pairs = zip(network.trainable_variables, gradients, strict=True)
    assert [variable.path for variable, gradient in pairs if gradient is None] == []


def test_statistics_undo_what_was_done_to_the_data(name: str, shapes: Shapes) -> None:
    if not family(name).standardise:
        pytest.skip("feeds its inputs as they are")
    statistics = _moved(shapes)
    plain = plain_network(name)
    moved = build_for(name, shapes, statistics=statistics)
    moved.set_weights(_with_statistics_of(moved, plain))
    batch = batch_of(5, shapes)
    expected = plain(batch, training=False).numpy()
    assert np.ptp(expected, axis=0).max() > 1e-4
    measured = _as_measured(batch, statistics)
    assert np.abs(moved(measured, training=False).numpy() - expected).max() < 1e-4
    assert np.abs(moved(batch, training=False).numpy() - expected).max() > 1e-3


def test_inputs_are_fed_as_they_are_where_that_is_wanted(name: str, shapes: Shapes) -> None:
    network = family(name, standardise=False).build(shapes, N_CLASSES, {})
    assert "Normalization" not in {type(layer).__name__ for layer in network.layers}
    assert network(batch_of(2, shapes), training=False).numpy().shape == (2, N_CLASSES)


def test_equal_seeds_give_equal_weights_and_other_seeds_others(name: str, shapes: Shapes) -> None:
    import keras

    weights = []
    for seed in (5, 5, 6):
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        result = build_for(name, shapes).get_weights()
        weights.append(np.concatenate([array.ravel() for array in result]))
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_the_costs_add_up_to_the_parameters_of_the_network(name: str) -> None:
    network = plain_network(name)
    costs = layer_costs(network)
    assert sum(cost.parameters for cost in costs) == network.count_params()
    assert sum(cost.macs for cost in costs) > network.count_params() / 2
    assert [cost.name for cost in costs] == [layer.name for layer in network.layers]


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"one": (130, 13), "other": (130, 128)},
        {"one": (57,), "other": (5,)},
        {"one": (130, 13), "other": (57,), "third": (48, 40, 3)},
        {"film": (3, 48, 40, 3), "table": (57,)},
    ],
    ids=["nothing", "two pictures", "two tables", "three inputs", "a film"],
)
def test_inputs_that_no_family_takes_are_refused_in_one_line(name: str, shapes: Shapes) -> None:
    _assert_refused(name, shapes)


@pytest.mark.parametrize(
    "shapes",
    [{"table": (40,)}, {"picture": (48, 40)}, {"cube": (48, 40, 2)}, {"a": (48, 40), "b": (40,)}],
    ids=["a table", "a picture", "two channels", "a picture and a table"],
)
def test_what_passes_the_check_can_be_built_and_the_rest_is_refused_in_one_line(
    name: str, shapes: Shapes
) -> None:
    if takes(name, shapes):
        network = family(name).build(shapes, N_CLASSES, unit(shapes))
        assert network.output_shape == (None, N_CLASSES)
    else:
        _assert_refused(name, shapes)


def test_an_unknown_key_is_refused_with_the_nearest_one(name: str) -> None:
    message = r"model\.standardize: unknown key; .*did you mean 'standardise'\?"
    with pytest.raises(ConfigError, match=message):
        family(name, standardize=True)


def _assert_refused(name: str, shapes: Shapes) -> None:
    with pytest.raises(ConfigError, match=f"^model={name}: takes ") as caught:
        family(name).check(shapes)
    assert "\n" not in str(caught.value)
    assert all(source in str(caught.value) for source in shapes)


def _moved(shapes: Shapes) -> dict[str, Normalisation]:
    """Return statistics of inputs in all sorts of places and of all sorts of widths."""
    return {
        name: Normalisation(np.linspace(-200, 20, size[-1]), np.linspace(0.5, 40, size[-1]) ** 2)
        for name, size in shapes.items()
    }


def _as_measured(batch: dict[str, Any], statistics: dict[str, Normalisation]) -> dict[str, Any]:
    """Return standardised inputs as they were before."""
    return {
        name: (x * np.sqrt(statistics[name].variance) + statistics[name].mean).astype(np.float32)
        for name, x in batch.items()
    }


def _with_statistics_of(kept: Any, given: Any) -> list[Any]:
    """Return the weights of `given` but the input statistics of `kept`."""
    pairs = zip(kept.weights, given.weights, strict=True)
    return [(k if "normalise" in k.path else g).numpy() for k, g in pairs]
