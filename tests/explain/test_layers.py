from __future__ import annotations

import numpy as np
import pytest

from genrecls.errors import ConfigError
from genrecls.explain.layers import activations, chosen_layers, first_kernel, layers_of
from tests.explain.networks import ALL, SIZE, dense, family, nested, segment, two_inputs


@pytest.mark.parametrize(
    ("name", "telling"),
    [
        ("cnn", ["conv1", "conv2", "conv3"]),
        ("rnn", ["lstm1", "lstm2"]),
        ("two_inputs", ["look"]),
        ("nested", ["inside1", "inside2"]),
        ("dense", ["hidden"]),
        ("softmax_apart", ["gru"]),
        ("other_end", ["both_ways"]),
    ],
)
def test_without_a_wish_the_most_telling_layers_are_chosen(name: str, telling: list[str]) -> None:
    assert chosen_layers(ALL[name]()) == telling


def test_wished_layers_come_in_the_order_of_the_network() -> None:
    assert chosen_layers(family("cnn"), ["pool1", "conv1"]) == ["conv1", "pool1"]


def test_an_unknown_layer_gets_one_line_with_all_names_and_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'inside3'; allowed: .*inside1, .*mean 'inside"):
        chosen_layers(nested(), ["inside3"])


@pytest.mark.parametrize("name", ALL)
def test_every_layer_of_every_network_answers(name: str) -> None:
    model = ALL[name]()
    heard = activations(model, segment(model), list(layers_of(model)))
    assert set(heard) == set(layers_of(model))
    last = heard[model.layers[-1].name]
    inputs = {key: values[None] for key, values in segment(model).items()}
    assert last == pytest.approx(np.asarray(model(inputs, training=False))[0], abs=1e-6)


def test_what_a_layer_answers_is_its_output_and_listening_leaves_no_trace() -> None:
    import keras

    model = family("cnn")
    inputs = segment(model)
    heard = activations(model, inputs, ["conv2"])["conv2"]
    outputs = keras.Model(model.input, model.get_layer("conv2").output)
    expected = np.asarray(outputs({"mfcc": inputs["mfcc"][None]}, training=False))[0]
    assert heard == pytest.approx(expected, abs=1e-6)
    assert all("call" not in vars(layer) for layer in layers_of(model).values())


def test_the_filters_of_a_convolution_are_one_picture_each() -> None:
    model = family("cnn")
    kernel = first_kernel(model)
    assert kernel is not None
    weights = model.get_layer("conv1").get_weights()[0]
    assert kernel.layer == "conv1"
    assert np.array_equal(kernel.weights[5], weights[:, :, 0, 5])
    looking = first_kernel(two_inputs())
    assert looking is not None
    assert looking.weights.shape == (4, 3, SIZE[1])


def test_filters_over_several_channels_are_added_up() -> None:
    model = nested()
    kernel = first_kernel(model)
    assert kernel is not None
    weights = layers_of(model)["inside1"].get_weights()[0]
    assert kernel.weights.shape == (4, 5, 3)
    assert kernel.weights[1] == pytest.approx(weights[:, :, :, 1].sum(axis=2), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "shape", "gates"),
    [("rnn", (13, 256), 4), ("softmax_apart", (13, 9), 3), ("other_end", (13, 12), 4)],
)
def test_a_recurrent_kernel_is_a_matrix_with_named_gates(
    name: str, shape: tuple[int, int], gates: int
) -> None:
    kernel = first_kernel(ALL[name]())
    assert kernel is not None
    assert (kernel.weights.shape, len(kernel.gates)) == (shape, gates)


def test_a_dense_kernel_is_a_matrix() -> None:
    kernel = first_kernel(dense())
    assert kernel is not None
    assert (kernel.layer, kernel.weights.shape, kernel.gates) == ("hidden", (5, 7), ())
