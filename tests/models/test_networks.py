"""The three networks themselves: their size, their order of layers, what they cannot take."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ConfigError
from genrecls.models.blocks import ConvBlock
from genrecls.models.cost import layer_costs
from tests.models.families import build, family, noise


@pytest.mark.parametrize(
    ("name", "size", "parameters", "macs"),
    [
        ("cnn", (130, 13), 45_514, 2.85e6),
        ("cnn", (258, 13), 78_282, 5.8e6),
        ("rnn", (130, 13), 57_802, 6.83e6),
        ("rnn", (258, 13), 57_802, 13.5e6),
    ],
)
def test_size_and_cost_are_those_that_are_published(
    name: str, size: tuple[int, int], parameters: int, macs: float
) -> None:
    network = build(name, size)
    # The statistics of the input are constants of ours, no parameters of the published network.
    counted = network.count_params() - _statistics(network)
    assert counted == parameters
    assert sum(cost.macs for cost in layer_costs(network)) == pytest.approx(macs, rel=0.01)


def test_the_cost_of_each_layer_is_what_a_calculation_by_hand_gives() -> None:
    costs = {cost.name: cost for cost in layer_costs(build("crnn", (130, 13)))}
    assert costs["conv1"].output == (130, 13, 32)
    assert costs["conv1"].macs == 130 * 13 * 32 * 3 * 3
    assert costs["pool1"].output == (65, 7, 32)
    assert costs["conv2"].macs == 65 * 7 * 64 * 32 * 9
    assert costs["frames"].output == (17, 2 * 64)
    assert costs["lstm1"].macs == 17 * (128 + 64) * 4 * 64
    assert costs["dense1"].macs == 64 * 64
    assert costs["probabilities"].macs == 64 * 10
    assert costs["norm1"].macs == costs["pool1"].macs == 0


@pytest.mark.parametrize("name", ["cnn", "crnn"])
def test_a_block_is_convolution_then_normalisation_then_relu_then_pooling(name: str) -> None:
    network = build(name, (130, 13))
    for index in (1, 2, 3):
        layer: Any = network.get_layer(f"pool{index}")
        order = []
        for _ in range(4):
            order.append(type(layer).__name__)
            layer = layer.input._keras_history.operation
        assert order == ["MaxPooling2D", "ReLU", "BatchNormalization", "Conv2D"]


def test_no_convolution_has_an_activation_of_its_own() -> None:
    import keras

    layers = build("cnn", (130, 13)).layers
    own = {x.activation.__name__ for x in layers if isinstance(x, keras.layers.Conv2D)}
    assert own == {"linear"}


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_the_predicted_size_of_a_block_is_the_real_one(padding: Any) -> None:
    import keras

    for frames, kernel, pool, stride in itertools.product((7, 10), (2, 3), (2, 3), (1, 2, 3)):
        block = ConvBlock(4, (kernel, 2), padding, (pool, 2), (stride, 2))
        source = keras.Input((frames, 9, 1))
        assert block.apply(source, 1).shape[1:3] == block.output((frames, 9))


@pytest.mark.parametrize("size", [(130, 2), (4, 13), (1, 1)], ids=str)
def test_a_picture_too_small_for_the_blocks_is_refused_before_it_is_built(
    size: tuple[int, int],
) -> None:
    with pytest.raises(ConfigError, match=r"^model\.blocks\.\d: a kernel of 3 x 3 does not fit"):
        family("cnn").check({"mfcc": size})


@pytest.mark.parametrize("name", ["cnn", "crnn"])
def test_whatever_passes_the_check_can_be_built(name: str) -> None:
    passed = 0
    for size in itertools.product((1, 6, 9, 14, 15, 16, 23), (1, 9, 10, 13)):
        try:
            family(name).check({"mfcc": size})
        except ConfigError:
            continue
        passed += 1
        assert build(name, size)({"mfcc": noise(1, size)}).shape == (1, 10)
    assert passed > 3


def test_a_network_without_hidden_layers_is_possible() -> None:
    network = build("cnn", (130, 13), head={"units": [], "dropout": 0.0})
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds.count("Dense") == 1
    assert "Dropout" not in kinds


def test_lstm_layers_stack_and_the_last_gives_its_final_state() -> None:
    network = build("rnn", (30, 13), units=[8, 6, 4])
    shapes = [layer.output.shape for layer in network.layers if "lstm" in layer.name]
    assert shapes == [(None, 30, 8), (None, 30, 6), (None, 4)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": []}, r"^model\.units: "),
        ({"units": [0]}, r"^model\.units\.0: received 0; allowed: greater than 0"),
        ({"head": {"units": [8], "dropout": 1.0}}, r"^model\.head\.dropout: received 1\.0"),
        ({"head": {"units": [8], "dropout": 0, "x": 1}}, r"^model\.head\.x: unknown key"),
    ],
)
def test_a_value_that_makes_no_network_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        family("rnn", **changes)


def test_statistics_of_the_input_are_per_coefficient_and_not_trained() -> None:
    network = build("cnn", (40, 13))
    layer = network.get_layer("normalise_mfcc")
    assert layer.trainable_variables == []
    assert np.asarray(layer.mean).size == 13


def _statistics(network: Any) -> int:
    return int(sum(layer.count_params() for layer in network.layers if "normalise" in layer.name))
