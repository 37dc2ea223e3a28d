"""Convolution blocks and dense heads: order, sizes, what does not fit, what selu brings along."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import ConfigError
from genrecls.models.base import Normalisation
from genrecls.models.layers import (
    Centring,
    ConvBlock,
    ConvStack,
    GlobalPooling,
    centred,
    frames_of,
    input_statistics,
    pool_globally,
)
from tests.models.families import build, build_for, family, noise

ORDERS = {
    "none": ["Conv2D", "ReLU", "MaxPooling2D"],
    "before_activation": ["Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D"],
    "after_activation": ["Conv2D", "ReLU", "BatchNormalization", "MaxPooling2D"],
    "after_pool": ["Conv2D", "ReLU", "MaxPooling2D", "BatchNormalization"],
}


@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("norm", ORDERS)
def test_a_block_has_its_layers_in_order(norm: str, dropout: float) -> None:
    network = build("cnn_velardo", (130, 13), conv={"norm": norm, "dropout": dropout})
    names = [layer.name for layer in network.layers]
    kinds = [type(layer).__name__ for layer in network.layers]
    block = ORDERS[norm] + (["Dropout"] if dropout else [])
    assert kinds[names.index("conv1") : names.index("flatten")] == block * 3


@pytest.mark.parametrize("activation", ["relu", "elu", "selu"])
def test_a_convolution_leaves_the_activation_to_a_layer_of_its_own(activation: str) -> None:
    network = build("cnn", (130, 13), conv={"activation": activation})
    assert network.get_layer("conv1").activation.__name__ == "linear"
    x = np.linspace(-3, 3, 7, dtype=np.float32)
    # Definitions: ELU with alpha 1, SELU with the constants of its paper.
    elu = np.where(x > 0, x, np.expm1(x))
    selu = 1.05070098 * np.where(x > 0, x, 1.67326324 * np.expm1(x))
    expected = {"relu": np.maximum(x, 0), "elu": elu, "selu": selu}[activation]
    result = np.asarray(network.get_layer(f"{activation}1")(x))
    assert np.abs(result - expected).max() < 1e-5


def test_selu_brings_its_initialiser_and_its_dropout() -> None:
    own = {"activation": "selu", "dropout": 0.1}
    network = build("cnn", (130, 13), conv=own, head=own)
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds.count("AlphaDropout") == 4
    assert "Dropout" not in kinds
    for name in ("conv1", "conv3", "dense1"):
        assert type(network.get_layer(name).kernel_initializer).__name__ == "LecunNormal"
    plain = build("cnn", (130, 13)).get_layer("dense1")
    assert type(plain.kernel_initializer).__name__ == "GlorotUniform"


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("pool_padding", ["same", "valid"])
def test_the_predicted_size_is_the_real_one(padding: Any, pool_padding: Any) -> None:
    import keras

    sizes = itertools.product((7, 10), (2, 3), (1, 2), (None, 2, 3), (None, 1, 2))
    for frames, kernel, stride, pool, step in sizes:
        if step and not pool:
            continue
        block = ConvBlock(
            4, (kernel, 2), (stride, 1), (pool, 2) if pool else None, (step, 2) if step else None
        )
        stack = ConvStack((block,), padding, pool_padding, "relu", "none", 0.0)
        result = stack.apply(keras.Input((frames, 9, 3))).shape[1:]
        assert result == stack.output((frames, 9, 3))


@pytest.mark.parametrize("size", [(130, 2), (4, 13), (1, 1)], ids=str)
def test_a_picture_too_small_for_the_blocks_is_refused_before_it_is_built(
    size: tuple[int, int],
) -> None:
    message = r"^model\.conv\.blocks\.\d: a kernel of 3 x 3 does not fit .*; use padding same,"
    with pytest.raises(ConfigError, match=message):
        family("cnn").check({"mfcc": size})


def test_a_picture_too_small_for_a_pooling_is_refused_too() -> None:
    chosen = family("crnn", conv={"pool_padding": "valid"})
    message = (
        r"^model\.conv\.blocks\.2: a pool of 2 x 2 does not fit a picture of 1 x 5 \(frames x "
        r"coefficients\); use pool_padding same, fewer blocks, "
    )
    with pytest.raises(ConfigError, match=message):
        chosen.check({"mfcc": (4, 20)})


@pytest.mark.parametrize("name", ["cnn", "crnn"])
@pytest.mark.parametrize("pool_padding", ["same", "valid"])
def test_whatever_passes_the_check_can_be_built(name: str, pool_padding: str) -> None:
    passed = 0
    for size in itertools.product((1, 16, 23, 30), (1, 13, 22, 23)):
        try:
            family(name, conv={"pool_padding": pool_padding}).check({"mfcc": size})
        except ConfigError:
            continue
        passed += 1
        network = build(name, size, conv={"pool_padding": pool_padding})
        assert network({"mfcc": noise(1, size)}).shape == (1, 10)
    assert passed > 3


def test_a_picture_with_channels_is_read_as_it_is() -> None:
    network = build("cnn", (48, 40, 3))
    assert network.get_layer("conv1").kernel.shape == (3, 3, 3, 16)
    assert "channel" not in [layer.name for layer in network.layers]


def test_a_network_without_hidden_layers_is_possible() -> None:
    network = build("cnn", (130, 13), head={"units": [], "dropout": 0.5})
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds.count("Dense") == 1
    assert "Dropout" not in kinds


def test_the_penalty_is_the_sum_of_squared_weights_of_the_hidden_layers() -> None:
    network = build("mlp", (5,), head={"units": [4, 3], "l2": 0.01})
    kernels = [network.get_layer(name).kernel.numpy() for name in ("dense1", "dense2")]
    expected = 0.01 * sum(float((kernel**2).sum()) for kernel in kernels)
    assert float(sum(network.losses)) == pytest.approx(expected, rel=1e-5)
    assert build("mlp", (5,)).losses == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": {"units": [0]}}, r"^model\.head\.units\.0: received 0; allowed: greater than 0"),
        ({"head": {"dropout": 1.0}}, r"^model\.head\.dropout: received 1\.0"),
        ({"head": {"l2": -1.0}}, r"^model\.head\.l2: received -1\.0"),
        ({"head": {"x": 1}}, r"^model\.head\.x: unknown key"),
        ({"conv": {"norm": "after"}}, r"^model\.conv\.norm: received 'after'; allowed: none, "),
        ({"conv": {"blocks": [{"filters": 3}]}}, r"^model\.conv\.blocks\.0\.kernel: missing"),
    ],
)
def test_a_value_that_makes_no_network_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        family("cnn", **changes)


def test_a_step_without_a_pooling_is_refused() -> None:
    block = {"filters": 3, "kernel": [2, 2], "stride": [1, 1], "pool": None, "pool_stride": [2, 2]}
    message = r"^model\.conv\.blocks\.0\.pool_stride: received \[2, 2\]; allowed: null"
    with pytest.raises(ConfigError, match=message):
        family("cnn", conv={"blocks": [block]})


def test_statistics_of_the_input_are_per_coefficient_and_not_trained() -> None:
    layer = build("cnn", (40, 13)).get_layer("normalise_mfcc")
    assert layer.trainable_variables == []
    assert np.asarray(layer.mean).size == 13


def test_statistics_of_a_picture_with_channels_are_per_channel() -> None:
    layer = build("cnn", (48, 40, 3), source="picture").get_layer("normalise_picture")
    assert np.asarray(layer.mean).size == 3


def test_the_statistics_of_each_input_can_be_read_from_the_network() -> None:
    shapes = {"mel": (128, 4), "summary": (3,)}
    given = {
        "mel": Normalisation(np.arange(4.0), np.arange(1.0, 5)),
        "summary": Normalisation(np.full(3, -80.25), np.full(3, 0.5)),
    }
    network = build_for("cnn_mlp", shapes, statistics=given, conv={"blocks": []})
    result = input_statistics(network)
    assert set(result) == set(shapes)
    for name, statistics in given.items():
        assert result[name].mean.tolist() == statistics.mean.tolist()
        assert result[name].variance.tolist() == statistics.variance.tolist()
        assert result[name].mean.dtype == np.float32
    assert input_statistics(build("cnn", (130, 13), standardise=False)) == {}


@pytest.mark.parametrize(
    ("cell", "kind"), [("lstm", "LSTM"), ("gru", "GRU"), ("simple", "SimpleRNN")]
)
def test_layers_stack_and_the_last_gives_its_final_state(cell: str, kind: str) -> None:
    network = build("rnn", (30, 13), recurrent={"cell": cell, "units": [8, 6, 4]})
    layers = [layer for layer in network.layers if layer.name.startswith(cell)]
    assert [type(layer).__name__ for layer in layers] == [kind] * 3
    shapes = [layer.output.shape for layer in layers]
    assert shapes == [(None, 30, 8), (None, 30, 6), (None, 4)]


def test_both_directions_are_concatenated() -> None:
    network = build("rnn", (30, 13), recurrent={"units": [8, 6], "bidirectional": True})
    layers = [layer for layer in network.layers if type(layer).__name__ == "Bidirectional"]
    assert [layer.output.shape for layer in layers] == [(None, 30, 16), (None, 12)]


def test_the_backward_half_sees_the_end_first() -> None:
    import keras

    recurrent = {"units": [4], "bidirectional": True, "cell": "simple"}
    network = build("rnn", (10, 3), recurrent=recurrent, standardise=False)
    state = keras.Model(network.input, network.get_layer("bidirectional1").output)
    picture = noise(1, (10, 3))
    turned = picture[:, ::-1]
    layer = network.get_layer("bidirectional1")
    layer.backward_layer.set_weights(layer.forward_layer.get_weights())
    outputs, mirrored = (np.asarray(state({"mfcc": x}))[0] for x in (picture, turned))
    assert np.abs(outputs[:4] - mirrored[4:]).max() < 1e-6
    assert np.abs(outputs[:4] - outputs[4:]).max() > 1e-3


def test_dropout_stands_behind_each_layer_and_none_inside() -> None:
    network = build("rnn", (30, 13), recurrent={"units": [8, 6], "dropout": 0.25})
    names = [layer.name for layer in network.layers]
    first = names.index("lstm1")
    assert names[first : first + 4] == ["lstm1", "lstm_dropout1", "lstm2", "lstm_dropout2"]
    lstm = network.get_layer("lstm1")
    assert (lstm.dropout, lstm.recurrent_dropout) == (0, 0)
    assert network.get_layer("lstm_dropout2").rate == 0.25


@pytest.mark.parametrize("reset_after", [True, False])
def test_the_reset_gate_stands_where_it_is_wanted(reset_after: bool) -> None:
    recurrent = {"cell": "gru", "units": [8], "reset_after": reset_after}
    layer = build("rnn", (30, 13), recurrent=recurrent).get_layer("gru1")
    assert layer.reset_after is reset_after
    assert layer.count_params() == 3 * (8 * (13 + 8) + (2 if reset_after else 1) * 8)


def test_a_frame_is_all_its_coefficients_and_channels() -> None:
    picture = noise(2, (5, 4, 3))
    assert np.array_equal(np.asarray(frames_of(picture)), picture.reshape(2, 5, 12))
    assert frames_of(picture[..., 0]).shape == (2, 5, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": []}, r"^model\.recurrent\.units: "),
        ({"units": [0]}, r"^model\.recurrent\.units\.0: received 0; allowed: greater than 0"),
        ({"cell": "gruu"}, r"^model\.recurrent\.cell: received 'gruu'; .* did you mean 'gru'\?"),
    ],
)
def test_a_value_that_makes_no_layer_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        family("rnn", recurrent=changes)


class TestGlobalPooling:
    """Of 2 pictures of 6 x 4 places and 3 channels."""

    @pytest.fixture
    def picture(self) -> NDArray[np.float32]:
        return np.random.default_rng(0).standard_normal((2, 6, 4, 3)).astype(np.float32)

    def _pooled(self, kind: GlobalPooling, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        import keras

        source = keras.Input(picture.shape[1:])
        model = keras.Model(source, pool_globally(source, kind))
        return np.asarray(model.predict(picture, verbose=0))

    def test_averages_and_maxima_are_those_of_each_channel(
        self, picture: NDArray[np.float32]
    ) -> None:
        mean, largest = picture.mean(axis=(1, 2)), picture.max(axis=(1, 2))
        assert self._pooled("average", picture) == pytest.approx(mean, abs=1e-6)
        assert self._pooled("max", picture) == pytest.approx(largest)
        both = np.concatenate([mean, largest], axis=1)
        assert self._pooled("average_max", picture) == pytest.approx(both, abs=1e-6)

    def test_statistics_are_mean_and_deviation(self, picture: NDArray[np.float32]) -> None:
        both = np.concatenate([picture.mean(axis=(1, 2)), picture.std(axis=(1, 2))], axis=1)
        assert self._pooled("statistics", picture) == pytest.approx(both, abs=1e-3)

    def test_attention_is_a_mean_with_weights(self, picture: NDArray[np.float32]) -> None:
        pooled = self._pooled("attention", picture)
        assert pooled.shape == (2, 3)
        assert (pooled < picture.max(axis=(1, 2))).all()
        assert (pooled > picture.min(axis=(1, 2))).all()
        alike = np.ones_like(picture)
        assert self._pooled("attention", alike) == pytest.approx(np.ones((2, 3)), abs=1e-6)


@pytest.mark.parametrize(("kind", "axes"), [("none", ()), ("segment", (1, 2)), ("band", (1,))])
def test_what_is_subtracted_is_the_mean_of_the_segment_or_of_each_band(
    kind: Centring, axes: tuple[int, ...]
) -> None:
    import keras

    picture = np.random.default_rng(0).standard_normal((2, 6, 4, 1)).astype(np.float32)
    source = keras.Input(picture.shape[1:])
    result = keras.Model(source, centred(source, kind)).predict(picture, verbose=0)
    mean = picture.mean(axis=axes, keepdims=True) if axes else 0.0
    assert result == pytest.approx(picture - mean, abs=1e-6)


def test_the_convolutions_of_a_cnn_can_be_pooled_instead_of_flattened() -> None:
    flat = build("cnn_velardo", (130, 13))
    pooled = build("cnn_velardo", (130, 13), global_pooling="average_max", centring="band")
    assert "flatten" not in {layer.name for layer in pooled.layers}
    assert pooled.get_layer("pooled").output.shape == (None, 64)
    assert pooled.count_params() < flat.count_params() / 1.5
