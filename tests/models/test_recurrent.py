"""Recurrent layers: cells, directions, dropout, and what they read as a frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genrecls.errors import ConfigError
from genrecls.models.layers import frames_of
from tests.models.families import build, family, noise


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
    found, mirrored = (np.asarray(state({"mfcc": x}))[0] for x in (picture, turned))
    assert np.abs(found[:4] - mirrored[4:]).max() < 1e-6
    assert np.abs(found[:4] - found[4:]).max() > 1e-3


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
