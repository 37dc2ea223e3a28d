"""Multiply-accumulates of exported files against those of the layers that they are made of."""

from __future__ import annotations

import pytest

from genrecls.export.formats import ExportFormat, Mode
from genrecls.export.tflite.arithmetic import macs
from genrecls.models.cost import layer_costs
from tests.export.conftest import Make
from tests.export.one_operator import one_operator


@pytest.mark.parametrize(
    ("sort", "mode"),
    [
        ("cnn", "int8"),
        ("cnn", "float16"),
        ("cnn_mlp", "float32"),
        ("crnn", "int8"),
        ("mlp", "dynamic"),
        ("rnn_lstm", "int8"),
        ("rnn_bilstm", "float32"),
        ("rnn_gru", "float32"),
        ("rnn_gru", "int8"),
    ],
)
def test_a_file_takes_the_multiply_accumulates_of_its_layers(
    make: Make, sort: str, mode: Mode
) -> None:
    made = make(sort)
    # The first step of a loop that is written out has nothing to multiply its state with.
    expected = sum(cost.macs for cost in layer_costs(made.tiny.model))
    assert macs(made.flatbuffer(ExportFormat("features", mode))) == pytest.approx(
        expected, rel=0.02
    )


def test_element_wise_work_counts_nothing() -> None:
    assert macs(one_operator("ADD")) == 0
