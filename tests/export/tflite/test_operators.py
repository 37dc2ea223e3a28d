"""The operators of exported files and what TensorFlow Lite Micro says to them."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from genrecls.errors import ExportError
from genrecls.export.formats import ExportFormat
from genrecls.export.tflite import operators
from genrecls.export.tflite.operators import objections, operator_uses, resolver_methods
from genrecls.export.verify import micro
from genrecls.runs.export_facts import OperatorUse
from tests.export.conftest import Make
from tests.export.exported import operators as names_in
from tests.export.one_operator import one_operator

PRESENT = ("BATCH_MATMUL", "DEQUANTIZE", "GATHER", "REVERSE_V2", "SELECT_V2", "SVDF")
ABSENT = ("BIDIRECTIONAL_SEQUENCE_LSTM", "GELU", "RFFT2D", "SELECT")
needs_micro = pytest.mark.skipif(not micro.available(), reason="no wheel for this Python")


@pytest.mark.parametrize("sort", ["cnn", "rnn_lstm", "crnn", "cnn_mlp", "mlp"])
def test_an_int8_file_is_for_microcontrollers(make: Make, sort: str) -> None:
    found = operator_uses(make(sort).flatbuffer(ExportFormat("features", "int8")))
    assert objections(found) == []
    assert all(use.method in set(resolver_methods().values()) for use in found)


@pytest.mark.parametrize("sort", ["crnn", "rnn_gru"])
def test_every_operator_of_every_subgraph_is_counted(make: Make, sort: str) -> None:
    flatbuffer = make(sort).flatbuffer(ExportFormat("features", "float32"))
    expected = names_in(flatbuffer)
    found = {use.name: use.count for use in operator_uses(flatbuffer)}
    assert found == {name: expected.count(name) for name in expected}
    assert list(found) == list(dict.fromkeys(expected)), "in the order in which they run"


def test_float16_weights_are_refused_where_they_are_unpacked(make: Make) -> None:
    found = operator_uses(make("cnn").flatbuffer(ExportFormat("features", "float16")))
    assert [use.name for use in found if not use.micro] == ["DEQUANTIZE"]
    assert "float16" in objections(found)[0]


def test_int8_weights_with_float_values_are_refused(make: Make) -> None:
    found = operator_uses(make("cnn").flatbuffer(ExportFormat("features", "dynamic")))
    assert "FULLY_CONNECTED" in {use.name for use in found if not use.micro}
    assert all("int8 weights with float values" in line for line in objections(found))


def test_the_front_end_of_an_audio_file_needs_nothing_that_micro_lacks(make: Make) -> None:
    assert objections(operator_uses(make("cnn").flatbuffer(ExportFormat("audio", "float32")))) == []


def test_only_a_run_proves_that_a_loop_ends(make: Make) -> None:
    found = operator_uses(make("rnn_gru").flatbuffer(ExportFormat("features", "float32")))
    (loop,) = (use for use in found if use.name == "WHILE")
    assert loop.micro
    assert loop.method == "AddWhile"
    assert [line.partition(" ")[0] for line in objections(found)] == ["WHILE"]
    assert objections(found, proved=True) == []


def test_an_operator_that_micro_lacks_is_named() -> None:
    (use,) = operator_uses(one_operator("GELU"))
    missing = "not in TensorFlow Lite Micro"
    assert use == OperatorUse("GELU", 1, micro=False, note=missing, method=None)
    assert objections((use,)) == [f"GELU (x1): {missing}"]


def test_a_custom_operator_is_refused_by_its_own_name() -> None:
    (use,) = operator_uses(one_operator("CUSTOM", "ADD"))
    assert (use.name, use.micro, use.method) == ("ADD", False, None)


def test_facts_are_plain_values() -> None:
    (use,) = operator_uses(one_operator("ADD"))
    assert asdict(use) == {
        "name": "ADD",
        "count": 1,
        "micro": True,
        "note": "",
        "method": "AddAdd",
    }


def test_other_bytes_are_refused_in_one_line() -> None:
    with pytest.raises(ExportError, match="expected a TensorFlow Lite flatbuffer"):
        operator_uses(b"RIFF....WAVE")


def test_a_damaged_flatbuffer_is_one_line_or_read() -> None:
    content, rng, refused = one_operator("ADD"), np.random.default_rng(0), 0
    for _ in range(300):
        damaged = bytearray(content)
        damaged[int(rng.integers(8, len(content)))] = int(rng.integers(256))
        try:
            operator_uses(bytes(damaged))
        except ExportError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 50


@pytest.mark.process
@needs_micro
@pytest.mark.parametrize("name", [*PRESENT, *ABSENT])
def test_the_list_is_what_the_interpreter_has(name: str) -> None:
    with pytest.raises(ExportError) as caught:
        micro.run(one_operator(name), [np.zeros((1, 1), np.float32)])
    absent = "Didn't find op for builtin opcode" in str(caught.value)
    assert absent == (name in ABSENT) == (name not in resolver_methods())


def test_the_list_names_its_source_and_real_operators() -> None:
    from ai_edge_litert import schema_py_generated as schema

    text = Path(operators.__file__).with_name("micro_operators.txt").read_text(encoding="utf-8")
    assert "micro_mutable_op_resolver.h" in text
    assert len(resolver_methods()) == 100
    for name, method in resolver_methods().items():
        assert hasattr(schema.BuiltinOperator, name)
        assert re.fullmatch(r"Add[A-Z][A-Za-z0-9]+", method)
