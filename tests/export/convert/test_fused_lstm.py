from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genrecls.export.formats import MODES, ExportFormat
from tests.export.conftest import Make
from tests.export.exported import converted, operators, run

FUSED = "UNIDIRECTIONAL_SEQUENCE_LSTM"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "count"), [("rnn_lstm", 2), ("rnn_bilstm", 4), ("crnn", 1), ("crnn_parallel", 1)]
)
def test_every_lstm_is_one_operator_and_no_loop(
    name: str, count: int, mode: Any, make: Make
) -> None:
    found = operators(make(name).flatbuffer(ExportFormat("features", mode)))
    assert found.count(FUSED) == count
    assert "WHILE" not in found


def test_the_order_of_segments_is_of_no_consequence_after_a_reset(make: Make) -> None:
    made = make("rnn_lstm")
    flatbuffer = made.flatbuffer(ExportFormat("features", "int8"))
    there = run(flatbuffer, made.tiny.inputs)
    back = run(flatbuffer, {name: array[::-1] for name, array in made.tiny.inputs.items()})
    assert np.array_equal(there, back[::-1])


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_the_layer_computes_what_keras_computes(
    backwards: bool, sequences: bool, make: Make
) -> None:
    import keras

    from genrecls.export.convert.fused_lstm import fuse

    theirs = keras.layers.LSTM(5, return_sequences=sequences, go_backwards=backwards)
    values = np.random.default_rng(0).standard_normal((1, 7, 3)).astype(np.float32)
    expected = np.asarray(theirs(values))
    ours = fuse(theirs)
    ours.build(values.shape)
    # A cell that leaves the range of -10 to 10, where the converter would clip it.
    weights = [weight + 2 for weight in theirs.get_weights()]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    assert not np.allclose(np.asarray(theirs(values)), expected)
    assert np.allclose(np.asarray(ours(values)), np.asarray(theirs(values)), atol=1e-6)
    assert ours.compute_output_shape(values.shape) == expected.shape


@pytest.mark.tensorflow
def test_a_cell_may_leave_the_range_in_which_the_converter_would_hold_it() -> None:
    import keras

    source = keras.Input((60, 2), name="mfcc")
    layer = keras.layers.LSTM(3, name="lstm1")
    out = keras.layers.Dense(2, name="probabilities")(layer(source))
    model = keras.Model({"mfcc": source}, out)
    # Open gates: the cell grows by nearly 1 at each of 60 steps, and closes when the last comes.
    kernel, recurrent, bias = layer.get_weights()
    kernel[:], recurrent[:], bias[:] = 1, 0, 0
    layer.set_weights([kernel, recurrent, bias])
    values = np.full((1, 60, 2), 3, np.float32)
    values[:, 40:] = [[-2.0, 0.7]]
    found = run(converted(model, "float32"), {"mfcc": values})
    assert np.allclose(found, np.asarray(model({"mfcc": values})), atol=1e-5)
