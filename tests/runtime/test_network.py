from __future__ import annotations

import importlib.util
import struct
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ConfigError, GenreclsError, ModelFileError, RunError
from genrecls.runtime.network import MOST_THREADS, Network
from tests.runtime.handmade import BANDS, FRAMES, flatbuffer
from tests.runtime.packed import Packed

Exported = Callable[[str], Packed]


def _flatbuffer(exported: Exported, sort: str, mode: Any = "float32") -> bytes:
    return exported(sort).file("features", mode).read_bytes()


def _noise(network: Network, count: int = 5) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        name: np.asarray(rng.standard_normal((count, *details["shape"])) * 30, np.float32)
        for name, details in network.inputs.items()
    }


def test_inputs_are_described_as_plain_values(exported: Exported) -> None:
    network = Network(_flatbuffer(exported, "cnn"))
    ((name, details),) = network.inputs.items()
    assert name == "mfcc"
    assert details["dtype"] == "float32"
    assert details["shape"][1] == 13
    assert details["scale"] == 0
    assert network.output == {"shape": [4], "dtype": "float32", "scale": 0, "zero_point": 0}


def test_quantised_values_mean_what_they_were(exported: Exported) -> None:
    network = Network(_flatbuffer(exported, "cnn", "int8"))
    details = network.inputs["mfcc"]
    mean, deviation = np.array(details["mean"]), np.array(details["deviation"])
    normalised = np.linspace(-100, 100, 50)[:, None] * details["scale"]
    stored = network.quantised("mfcc", mean + deviation * normalised)
    assert stored.dtype == np.int8
    meant = (stored.astype(float) - details["zero_point"]) * details["scale"]
    free = (stored > -128) & (stored < 127)
    wanted = np.broadcast_to(normalised, meant.shape)
    np.testing.assert_allclose(meant[free], wanted[free], atol=details["scale"] * 0.52)
    assert set(network.quantised("mfcc", np.full(13, -1e9))) == {-128}
    assert set(network.quantised("mfcc", np.full(13, 1e9))) == {127}


def test_int8_answers_are_probabilities(exported: Exported) -> None:
    network = Network(_flatbuffer(exported, "cnn", "int8"))
    inputs = _noise(network)
    raw, found = network.raw_outputs(inputs), network.probabilities(inputs)
    assert raw.dtype == np.int8
    assert found.shape == (5, 4)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=0.02)
    np.testing.assert_array_equal(raw.argmax(axis=1), found.argmax(axis=1))


@pytest.mark.parametrize("sort", ["rnn_lstm", "crnn", "rnn_gru"])
def test_a_segment_is_answered_alike_whatever_was_heard_before(
    sort: str, exported: Exported
) -> None:
    network = Network(_flatbuffer(exported, sort))
    inputs = _noise(network)
    together = network.probabilities(inputs)
    for row in (4, 0, 2):
        alone = network.probabilities({name: v[row : row + 1] for name, v in inputs.items()})
        np.testing.assert_array_equal(alone[0], together[row])


def test_two_threads_answer_like_one(exported: Exported) -> None:
    content = _flatbuffer(exported, "cnn")
    one, two = Network(content), Network(content, threads=2)
    np.testing.assert_allclose(
        two.probabilities(_noise(two)), one.probabilities(_noise(one)), atol=1e-6
    )


@pytest.mark.parametrize("threads", [-1, 0, MOST_THREADS + 1])
def test_threads_that_cannot_be_are_one_line(threads: int) -> None:
    with pytest.raises(ConfigError, match=f"--threads: received {threads}; allowed: 1 to "):
        Network(b"never looked at", threads)


@pytest.mark.process
def test_the_runtime_does_not_greet(exported: Exported) -> None:
    code = """
import sys
from pathlib import Path
from genrecls.runtime.network import Network
Network(Path(sys.argv[1]).read_bytes())
sys.exit("heard")
"""
    words = (sys.executable, "-c", code, str(exported("cnn").file("features", "float32")))
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=600)
    assert done.stderr == "heard\n"


def test_what_is_no_network_is_one_line() -> None:
    with pytest.raises(ModelFileError, match="the TFLite runtime cannot run this file") as error:
        Network(b"no flatbuffer at all")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("field", "name"), [(1, "operators"), (2, "graphs"), (4, "buffers")])
def test_a_network_that_lacks_what_the_runtime_would_fall_over_is_one_line(
    field: int, name: str
) -> None:
    content = bytearray(flatbuffer())
    (root,) = struct.unpack_from("<I", content)
    fields = root - struct.unpack_from("<i", content, root)[0]
    struct.pack_into("<H", content, fields + 4 + 2 * field, 0)
    with pytest.raises(ModelFileError, match=f"cannot run this file .*{name}"):
        Network(bytes(content))


def test_the_normalisation_beside_an_input_is_applied() -> None:
    ones, values = np.ones(BANDS, np.float32), np.ones((1, FRAMES, BANDS), np.float32)
    plain, shifted = Network(flatbuffer()), Network(flatbuffer(normalisation=(ones, 2 * ones)))
    assert shifted.inputs["mel"]["deviation"] == [2.0] * BANDS
    expected = plain.probabilities({"mel": values})
    np.testing.assert_allclose(shifted.probabilities({"mel": 1 + 2 * values}), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("mean", "deviation", "reason"),
    [
        ([np.nan] * BANDS, [1] * BANDS, "not a finite mean and deviation"),
        ([0] * BANDS, [0] * BANDS, "not a finite mean and deviation"),
        ([0] * BANDS, [np.inf] * BANDS, "not a finite mean and deviation"),
        ([0] * 3, [1] * 3, "has 8 coefficients but 3 means"),
        ([0] * BANDS, [1] * 3, "has 8 coefficients but 8 means"),
    ],
)
def test_a_normalisation_that_cannot_be_applied_is_one_line(
    mean: list[float], deviation: list[float], reason: str
) -> None:
    beside = (np.array(mean, np.float32), np.array(deviation, np.float32))
    with pytest.raises(ModelFileError, match=f"cannot run this file .*{reason}"):
        Network(flatbuffer(normalisation=beside))


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\xff" * 100, bytes(100)])
def test_what_has_no_beginning_of_a_network_is_one_line(content: bytes) -> None:
    with pytest.raises(ModelFileError, match="cannot run this file"):
        Network(content)


def _installed(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    find = importlib.util.find_spec

    def found(name: str, *rest: Any) -> Any:
        if name in {"ai_edge_litert", "tflite_runtime"}:
            return name if name in packages else None
        return find(name, *rest)

    monkeypatch.setattr("genrecls.runtime.network.find_spec", found)


def test_without_a_runtime_the_error_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch)
    with pytest.raises(RunError, match=r"pip install ai-edge-litert.*tflite-runtime"):
        Network(b"")


def test_the_old_runtime_is_refused_beside_a_new_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, "tflite_runtime")
    monkeypatch.setattr(np, "__version__", "2.1.0")
    with pytest.raises(RunError, match=r"needs numpy below 2, found 2\.1\.0; install"):
        Network(b"")


def test_the_old_runtime_says_what_it_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interpreter:
        def __init__(self, **_: Any) -> None:
            raise ValueError("Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'")

    module = ModuleType("tflite_runtime.interpreter")
    module.Interpreter = Interpreter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tflite_runtime", ModuleType("tflite_runtime"))
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", module)
    _installed(monkeypatch, "tflite_runtime")
    monkeypatch.setattr(np, "__version__", "1.26.4")
    with pytest.raises(GenreclsError, match=r"version '12'.*it knows no dynamic-range files"):
        Network(flatbuffer())
