"""The real interpreter of TensorFlow Lite Micro, in a child process that may hang or crash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import ExportError
from genrecls.export.formats import ExportFormat, Mode
from genrecls.export.verify import micro
from genrecls.runtime.network import Network
from tests.export.conftest import Made, Make
from tests.export.one_operator import one_operator

if sys.version_info[:2] != (3, 11):
    pytest.skip("tflite-micro has wheels for Python 3.11 only", allow_module_level=True)


def test_the_interpreter_is_installed_with_the_tools_for_development() -> None:
    assert micro.available()


@pytest.mark.process
@pytest.mark.parametrize("sort", ["cnn", "cnn_mlp", "mlp"])
def test_int8_files_answer_as_litert_with_the_same_kernels(make: Make, sort: str) -> None:
    done, expected = _both(make(sort))
    assert done.outputs.dtype == expected.dtype == np.int8
    assert np.abs(_gap(done, expected)).max() <= 2
    assert np.ptp(expected.astype(int), axis=0).max() > 100, "not the same answer to all"
    assert 1000 < done.arena_bytes < 100_000


@pytest.mark.process
@pytest.mark.parametrize("sort", ["rnn_lstm", "crnn"])
def test_int8_lstms_round_otherwise_and_decide_the_same(make: Make, sort: str) -> None:
    done, expected = _both(make(sort))
    gap = np.abs(_gap(done, expected))
    assert gap.mean() < 0.5
    assert gap.max() <= 16
    # Between two values that are as near as the kernels differ, either is right.
    chosen = expected[np.arange(len(expected)), done.outputs.argmax(axis=1)].astype(int)
    assert (expected.max(axis=1) - chosen).max() <= 2


@pytest.mark.process
def test_float_files_answer_as_in_litert(make: Make) -> None:
    made = make("crnn")
    flatbuffer = made.flatbuffer(ExportFormat("features", "float32"))
    done = micro.run(flatbuffer, [made.tiny.inputs["mfcc"]])
    assert np.abs(done.outputs.astype(np.float64) - made.tiny.answers).max() < 1e-5


@pytest.mark.process
def test_an_example_does_not_hear_the_one_before(make: Make) -> None:
    made = make("rnn_lstm")
    flatbuffer = made.flatbuffer(ExportFormat("features", "int8"))
    (examples,) = _quantised(made, Network(flatbuffer))
    there, back = (micro.run(flatbuffer, [x]).outputs for x in (examples, examples[::-1]))
    assert np.array_equal(there, back[::-1])
    assert np.array_equal(there[5:6], micro.run(flatbuffer, [examples[5:6]]).outputs)


@pytest.mark.process
@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("float16", "failed to prepare|was not true"),
        ("dynamic", "Hybrid|FLOAT32 with filter type: INT8"),
    ],
)
def test_what_the_interpreter_refuses_is_one_line_with_its_reason(
    make: Make, mode: Mode, reason: str
) -> None:
    made = make("cnn")
    flatbuffer = made.flatbuffer(ExportFormat("features", mode))
    with pytest.raises(ExportError, match=rf"TensorFlow Lite Micro refuses .*({reason})") as caught:
        micro.run(flatbuffer, [made.tiny.inputs["mfcc"]])
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.process
def test_a_crash_of_the_interpreter_is_one_line() -> None:
    # The loop has no subgraphs, for which the interpreter looks without asking whether they exist.
    with pytest.raises(ExportError, match=r"^TensorFlow Lite Micro crashed \(signal 11\)$"):
        micro.run(one_operator("WHILE"), [np.zeros((1, 1), np.float32)])


@pytest.mark.process
def test_an_interpreter_that_hangs_is_stopped(make: Make) -> None:
    made = make("cnn")
    flatbuffer = made.flatbuffer(ExportFormat("features", "int8"))
    with pytest.raises(ExportError, match=r"did not end within 0\.01 s: loops"):
        micro.run(flatbuffer, _quantised(made, Network(flatbuffer)), time_limit_s=0.01)


@pytest.mark.process
def test_a_missing_report_is_an_error_and_not_a_size_of_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = subprocess.run

    def silent(*words: object, **settings: object) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = real(*words, **settings)  # type: ignore[call-overload]
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout, "")

    made = make("cnn")
    flatbuffer = made.flatbuffer(ExportFormat("features", "int8"))
    monkeypatch.setattr(subprocess, "run", silent)
    with pytest.raises(ExportError, match="did not report the size of its arena"):
        micro.run(flatbuffer, _quantised(made, Network(flatbuffer)))


def _quantised(made: Made, network: Network) -> Sequence[NDArray[np.generic]]:
    return [network.quantised(name, made.tiny.inputs[name]) for name in network.inputs]


def _both(made: Made) -> tuple[micro.MicroRun, NDArray[np.int8]]:
    """Return what TensorFlow Lite Micro and LiteRT say to all segments."""
    flatbuffer = made.flatbuffer(ExportFormat("features", "int8"))
    inputs = _quantised(made, Network(flatbuffer))
    return micro.run(flatbuffer, inputs), _by_plain_kernels(flatbuffer, inputs)


def _gap(done: micro.MicroRun, expected: NDArray[np.int8]) -> NDArray[np.int64]:
    return done.outputs.astype(np.int64) - expected


def _by_plain_kernels(flatbuffer: bytes, inputs: Sequence[NDArray[np.generic]]) -> NDArray[np.int8]:
    """Return LiteRT's answers without XNNPACK, which rounds int8 convolutions otherwise."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=flatbuffer, experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    answers = []
    for example in zip(*inputs, strict=True):
        interpreter.reset_all_variables()
        for details, values in zip(interpreter.get_input_details(), example, strict=True):
            interpreter.set_tensor(details["index"], values[None])
        interpreter.invoke()
        (output,) = interpreter.get_output_details()
        answers.append(interpreter.get_tensor(output["index"])[0].copy())
    return np.asarray(answers, np.int8)
