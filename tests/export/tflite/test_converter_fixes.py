from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genrecls.errors import ExportError
from genrecls.export.formats import MODES, ExportFormat
from tests.export.conftest import Make
from tests.export.exported import SORTS, operators, run, taken_apart


@pytest.mark.parametrize("name", SORTS)
def test_no_operator_is_foreign(name: str, make: Make) -> None:
    made = make(name)
    for export_format in made.files:
        model = taken_apart(made.flatbuffer(export_format))
        assert not any(code.customCode for code in model.operatorCodes), export_format.title
        assert not [op for op in operators(made.flatbuffer(export_format)) if op == "CUSTOM"]


def test_a_foreign_operator_is_refused(make: Make) -> None:
    from genrecls.export.tflite import converter_fixes, flatbuffer

    model = taken_apart(make("mlp").flatbuffer(ExportFormat("features", "float32")))
    model.operatorCodes[0].customCode = b"FlexTensorListReserve"
    with pytest.raises(ExportError, match="FlexTensorListReserve"):
        converter_fixes.clean(flatbuffer.pack(model))


@pytest.mark.parametrize("mode", MODES)
def test_only_inputs_and_output_have_names_and_no_clip_is_left(mode: Any, make: Make) -> None:
    for kind, expected in (("features", {b"mfcc"}), ("audio", {b"audio"})):
        flatbuffer = make("rnn_lstm").flatbuffer(ExportFormat(kind, mode))  # type: ignore[arg-type]
        model = taken_apart(flatbuffer)
        names = {tensor.name for tensor in model.subgraphs[0].tensors} - {None, b""}
        beside = {b"mfcc/mean", b"mfcc/deviation"}
        normalised = kind == "features" and mode == "int8"
        assert names == expected | {b"probabilities"} | (beside if normalised else set())
        options = [operator.builtinOptions for operator in model.subgraphs[0].operators]
        assert [one.cellClip for one in options if hasattr(one, "cellClip")] == [0.0, 0.0]
        assert not model.metadata
        assert not model.signatureDefs


@pytest.mark.parametrize("mode", MODES)
def test_every_buffer_begins_at_a_multiple_of_sixteen_bytes(mode: Any, make: Make) -> None:
    flatbuffer = make("crnn").flatbuffer(ExportFormat("audio", mode))
    found = [bytes(one.data) for one in taken_apart(flatbuffer).buffers if one.data is not None]
    assert len(found) > 10
    large = [content for content in found if len(content) >= 64]
    assert all(flatbuffer.index(content) % 16 == 0 for content in large)


def test_equal_weights_are_stored_once(make: Make) -> None:
    model = taken_apart(make("rnn_gru").flatbuffer(ExportFormat("features", "int8")))
    contents = [bytes(one.data) for one in model.buffers if one.data is not None]
    assert len(set(contents)) == len(contents)
    assert (
        operators(make("rnn_gru").flatbuffer(ExportFormat("features", "int8"))).count("TANH") == 22
    )


def test_an_integer_network_computes_elu_in_integers(make: Make) -> None:
    for name in ("cnn_elu", "cnn_selu"):
        made = make(name)
        found = operators(made.flatbuffer(ExportFormat("features", "int8")))
        assert "ELU" in found
        assert not {"QUANTIZE", "DEQUANTIZE", "EXP"} & set(found)


@pytest.mark.parametrize("name", ["cnn", "rnn_bigru", "crnn_parallel"])
@pytest.mark.parametrize("mode", MODES)
def test_a_file_that_takes_audio_is_the_network_behind_its_front_end(
    name: str, mode: Any, make: Make
) -> None:
    made = make(name)
    features = run(made.flatbuffer(ExportFormat("features", mode)), made.tiny.inputs)
    audio = run(made.flatbuffer(ExportFormat("audio", mode)), {"audio": made.tiny.audio})
    # Behind integers the two differ, for a file that takes audio normalises in float.
    assert np.abs(audio - features).max() < (0.2 if mode == "int8" else 1e-3)


@pytest.mark.parametrize("mode", MODES)
def test_the_front_end_stays_in_float_in_every_mode(mode: Any, make: Make) -> None:
    from tensorflow.lite.python.schema_py_generated import TensorType

    flatbuffer = make("cnn").flatbuffer(ExportFormat("audio", mode))
    graph = taken_apart(flatbuffer).subgraphs[0]
    logarithm = operators(flatbuffer).index("LOG")
    read = {index for one in graph.operators[: logarithm + 1] for index in one.inputs}
    kinds = {graph.tensors[index].type for index in read}
    assert kinds <= {TensorType.FLOAT32, TensorType.INT32, TensorType.COMPLEX64}
    assert not {TensorType.INT8, TensorType.FLOAT16} & kinds
