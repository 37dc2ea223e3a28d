from __future__ import annotations

import select
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ExportError
from genrecls.export.convert import conversion
from genrecls.export.convert.conversion import ConversionRequest, convert
from genrecls.export.convert.conversion_folder import ConversionFolder
from genrecls.export.formats import MODES, ExportFormat, Input
from tests.export.conftest import Make
from tests.export.exported import LABELS, SORTS, run

FLOAT = {"float32": 1e-4, "float16": 1e-2}
FEATURES = tuple(ExportFormat("features", mode) for mode in MODES)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", SORTS)
def test_every_file_answers_like_keras(name: str, make: Make) -> None:
    made = make(name)
    expected = made.tiny.answers
    assert len(set(expected.argmax(1))) == len(LABELS)
    for made_format in made.files:
        found = run(made.flatbuffer(made_format), made.tiny.taken_by(made_format))
        assert found.shape == expected.shape
        if made_format.mode in FLOAT:
            assert np.abs(found - expected).max() < FLOAT[made_format.mode], made_format.title
        assert _clear_decisions_equal(found, expected) > 0.95, made_format.title


def _clear_decisions_equal(found: Any, expected: Any) -> float:
    """Return the share of equal decisions where Keras leaves no doubt."""
    first, second = np.sort(expected, axis=1)[:, :-3:-1].T
    clear = first - second > 0.25 * (first - second).max()
    assert clear.sum() >= 5
    return float(np.mean(found.argmax(1)[clear] == expected.argmax(1)[clear]))


@pytest.mark.parametrize("name", [name for name in SORTS if name != "vgg16"])
def test_a_family_has_all_modes_for_both_inputs_unless_it_says_why_not(
    name: str, make: Make
) -> None:
    made = make(name)
    assert {one for one in made.files if one.input == "features"} == set(FEATURES)
    if made.tiny.audio.size:
        assert len(made.files) == 8
    else:
        assert "features=" in (made.tiny.refusal(ExportFormat("audio", "float32")) or "")


@pytest.mark.parametrize("name", ["cnn", "cnn_mlp", "rnn_bilstm", "crnn_published"])
def test_integers_go_in_and_out_of_int8_features_and_floats_of_everything_else(
    name: str, make: Make
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    made = make(name)
    for made_format in made.files:
        interpreter = Interpreter(model_content=made.flatbuffer(made_format))
        sources, (output,) = interpreter.get_input_details(), interpreter.get_output_details()
        inputs = made.tiny.taken_by(made_format)
        expected = np.int8 if made_format == ExportFormat("features", "int8") else np.float32
        assert {source["name"] for source in sources} == set(inputs)
        assert output["name"] == "probabilities"
        assert {one["dtype"] for one in (*sources, output)} == {expected}
        assert all(tuple(s["shape"]) == (1, *inputs[s["name"]].shape[1:]) for s in sources)


def test_int8_files_are_small(make: Make) -> None:
    for name in ("cnn", "crnn", "rnn_lstm", "cnn_mlp", "mlp"):
        made = make(name)
        size = len(made.flatbuffer(ExportFormat("features", "int8")))
        assert size <= 1.25 * made.tiny.model.count_params() + 9000, name


def test_a_model_trained_in_half_precision_is_exported_in_float32(
    make: Make, tmp_path: Path
) -> None:
    import keras

    from genrecls.models.layers import Recurrent

    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        half = Recurrent("gru", (4,), bidirectional=True, dropout=0.0, reset_after=True)
        source = keras.Input((6, 5), name="mfcc")
        model = keras.Model({"mfcc": source}, keras.layers.Dense(3)(half.apply(source)))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    from genrecls.export.convert.keras_rewrite import rewrite

    twin = rewrite(model, unroll=False)
    values = {"mfcc": np.ones((1, 6, 5), np.float32)}
    assert {layer.compute_dtype for layer in twin.layers} == {"float32"}
    assert np.abs(np.asarray(twin(values)) - np.asarray(model(values), np.float32)).max() < 1e-2


@pytest.mark.process
def test_a_child_process_converts_and_names_what_would_crash_it(make: Make, tmp_path: Path) -> None:
    small = make("rnn_gru").tiny
    wanted = (ExportFormat("features", "int8"), ExportFormat("features", "float32"))
    request = ConversionRequest(small.path, wanted, small.inputs, unroll_steps=3)
    refused, converted = convert(request, tmp_path)
    assert refused.flatbuffer is None
    assert "gru1 (22 steps): a loop" in (refused.error or "")
    assert converted.flatbuffer is not None
    found = run(converted.flatbuffer, small.inputs)
    assert np.abs(found - small.answers).max() < 1e-4
    assert (tmp_path / "converter.log").is_file()


@pytest.mark.process
def test_a_model_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"no model")
    request = ConversionRequest(tmp_path / "model.keras", FEATURES, None, 64)
    with pytest.raises(ExportError, match=r"could not begin .*not a readable model file") as error:
        list(convert(request))
    assert "\n" not in str(error.value)


_CHILD = """
import os, signal, sys, time
from pathlib import Path
from genrecls.export.convert.conversion_folder import ConversionFolder

folder = ConversionFolder(Path(sys.argv[1]))
request = folder.read_request()
print("begun", flush=True)
for wanted in request.formats:
    if folder.result(wanted) is None:
        if wanted.mode == "float16":
            print("a tensor is not what it should be", flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        if wanted.mode == "int8" and "kill" in str(request.model):
            os.kill(os.getpid(), signal.SIGKILL)
        if wanted.mode == "dynamic":
            time.sleep(60)
        folder.keep(wanted, wanted.mode.encode())
"""


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the converter by one that crashes on float16 and never ends on dynamic."""

    monkeypatch.setattr(conversion, "WORKER", (sys.executable, "-c", textwrap.dedent(_CHILD)))


def _request(*modes: Any, model: str = "model.keras") -> ConversionRequest:
    formats = tuple(ExportFormat("features", mode) for mode in modes)
    return ConversionRequest(Path(model), formats, None, 64)


@pytest.mark.process
def test_a_crash_costs_one_file_and_is_one_line(fragile: None, tmp_path: Path) -> None:
    found = list(convert(_request("float32", "float16", "int8"), tmp_path))
    assert [one.flatbuffer for one in found] == [b"float32", None, b"int8"]
    assert found[1].error == (
        "the converter crashed (signal 11, SIGSEGV); its last message: 'a tensor is not what it "
        "should be'; use another mode for this model"
    )
    assert (tmp_path / "converter.log").read_text().count("begun") == 2


@pytest.mark.process
def test_a_converter_that_was_killed_says_why_that_happens(fragile: None) -> None:
    killed, after = convert(_request("int8", "float32", model="to be killed.keras"))
    assert killed.error == (
        "the converter was killed (signal 9): out of memory, or by someone; close other programs "
        "and export again"
    )
    assert after.flatbuffer == b"float32"


@pytest.mark.process
def test_what_ended_the_child_before_costs_the_other_input_nothing(
    make: Make, tmp_path: Path
) -> None:
    small = make("cnn").tiny
    kinds: tuple[Input, ...] = ("features", "audio")
    formats = tuple(ExportFormat(kind, "float32") for kind in kinds)
    folder = ConversionFolder(tmp_path)
    folder.write_request(ConversionRequest(small.path, formats, None, 64))
    folder.keep_error(formats[0], "the converter was killed")
    words = (sys.executable, "-m", "genrecls.export.convert.worker", str(tmp_path))
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    found = folder.result(formats[1])
    assert found is not None
    assert found.error is None
    assert found.flatbuffer is not None


_ORPHAN = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[1]]).wait()
"""
_WATCHFUL = """
import time
from genrecls.export.convert.worker import end_with_parent
end_with_parent()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.process
def test_the_child_ends_after_its_parent_was_killed() -> None:
    words = (sys.executable, "-c", _ORPHAN, _WATCHFUL)
    parent = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"
    parent.kill()
    # The child holds the other end of this pipe until it ends.
    assert select.select([parent.stdout], [], [], 300)[0]
    assert parent.stdout.read() == b""
    parent.wait()
    parent.stdout.close()


@pytest.mark.process
def test_a_converter_that_never_ends_is_stopped(
    fragile: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "LIMIT_S", 6.0)
    stopped, after = convert(_request("dynamic", "int8"))
    assert "stopped after 6 s" in (stopped.error or "")
    assert after.flatbuffer == b"int8"


@pytest.mark.process
def test_results_of_an_earlier_conversion_are_not_taken_for_new_ones(
    fragile: None, tmp_path: Path
) -> None:
    (tmp_path / "features_float32.tflite").write_bytes(b"old")
    (tmp_path / "features_int8.txt").write_text("old")
    found = list(convert(_request("float32", "int8"), tmp_path))
    assert [one.flatbuffer for one in found] == [b"float32", b"int8"]
