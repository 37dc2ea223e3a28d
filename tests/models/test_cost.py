"""What a network costs, against calculations by hand."""

from __future__ import annotations

from typing import Any

import pytest

from genrecls.models.cost import LayerCost, layer_costs
from tests.models.families import build


def by_name(network: Any) -> dict[str, LayerCost]:
    return {cost.name: cost for cost in layer_costs(network)}


def test_the_cost_of_each_layer_is_what_a_calculation_by_hand_gives() -> None:
    costs = by_name(build("crnn", (130, 13)))
    assert costs["conv1"].output == (130, 13, 32)
    assert costs["conv1"].macs == 130 * 13 * 32 * 3 * 3
    assert costs["pool1"].output == (65, 7, 32)
    assert costs["conv2"].macs == 65 * 7 * 64 * 32 * 9
    assert costs["frames"].output == (17, 2 * 64)
    assert costs["lstm1"].macs == 17 * (128 + 64) * 4 * 64
    assert costs["dense1"].macs == 64 * 64
    assert costs["probabilities"].macs == 64 * 10
    assert costs["norm1"].macs == costs["pool1"].macs == 0


def test_a_convolution_with_a_stride_is_computed_where_it_steps() -> None:
    block = {"filters": 4, "kernel": [3, 2], "stride": [2, 3], "pool": None, "pool_stride": None}
    cost = by_name(build("cnn", (20, 12, 3), conv={"blocks": [block], "padding": "same"}))["conv1"]
    assert cost.output == (10, 4, 4)
    assert cost.macs == 10 * 4 * 4 * 3 * 2 * 3


def test_a_depthwise_convolution_multiplies_each_channel_by_itself() -> None:
    import keras

    source = keras.Input((12, 10, 6))
    x = keras.layers.DepthwiseConv2D((3, 2), strides=2, padding="same", name="depthwise")(source)
    x = keras.layers.SeparableConv2D(7, 3, padding="same", name="separable")(x)
    costs = by_name(keras.Model(source, x))
    assert costs["depthwise"].macs == 6 * 5 * 6 * 3 * 2
    assert costs["separable"].macs == 6 * 5 * (6 * 3 * 3 + 6 * 7)


@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("gru", 3), ("simple", 1)])
def test_both_directions_of_a_recurrent_layer_are_counted(cell: str, gates: int) -> None:
    recurrent = {"cell": cell, "units": [8, 6], "bidirectional": True}
    costs = by_name(build("rnn", (30, 13), recurrent=recurrent))
    assert costs["bidirectional1"].macs == 2 * 30 * gates * 8 * (13 + 8)
    assert costs["bidirectional2"].macs == 2 * 30 * gates * 6 * (16 + 6)


def test_a_dense_layer_on_frames_is_counted_for_each() -> None:
    costs = by_name(build("crnn", (130, 13), frame_units=20))
    assert costs["frame_dense"].macs == 17 * 128 * 20


def test_a_model_inside_the_model_is_taken_apart() -> None:
    import keras

    inside = keras.Sequential(
        [
            keras.Input((12, 10, 1)),
            keras.layers.Conv2D(4, 3, name="conv"),
            keras.layers.Flatten(name="flat"),
        ],
        name="body",
    )
    source = keras.Input((12, 10, 1), name="picture")
    network = keras.Model(source, keras.layers.Dense(5, name="top")(inside(source)))
    costs = by_name(network)
    assert list(costs) == ["picture", "body/conv", "body/flat", "top"]
    assert costs["body/conv"].macs == 10 * 8 * 4 * 9
    assert sum(cost.parameters for cost in costs.values()) == network.count_params()
