"""The estimated tensor arena against what the interpreter of TensorFlow Lite Micro reports."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.config.compose import compose
from genrecls.experiment.experiment import parse
from genrecls.export.formats import ExportFormat, Mode
from genrecls.export.tflite.flatbuffer import graphs
from genrecls.export.tflite.memory import Arena, arena, cmsis_nn_scratch
from genrecls.export.verify import micro
from genrecls.models import tensorflow_setup
from genrecls.models.base import ModelFamily, Normalisation
from tests.export.conftest import Make
from tests.export.one_operator import one_operator

needs_micro = pytest.mark.skipif(not micro.available(), reason="no wheel for this Python")


@pytest.mark.process
@needs_micro
@pytest.mark.parametrize("mode", ["int8", "float32"])
@pytest.mark.parametrize("sort", ["cnn", "rnn_lstm", "rnn_bilstm", "crnn", "cnn_mlp", "mlp"])
def test_the_estimate_is_near_what_the_interpreter_reports(
    make: Make, sort: str, mode: Mode
) -> None:
    flatbuffer = make(sort).flatbuffer(ExportFormat("features", mode))
    reported = micro.run(flatbuffer, _zeros(flatbuffer)).arena_bytes
    estimated = arena(flatbuffer)
    assert estimated.bytes == pytest.approx(reported, rel=0.02, abs=1200)
    assert estimated.activations < reported


def test_the_state_of_an_lstm_is_persistent(make: Make) -> None:
    flatbuffer = make("rnn_lstm").flatbuffer(ExportFormat("features", "float32"))
    (graph,) = graphs(flatbuffer)
    state = sum(tensor.size for tensor in graph.tensors if tensor.variable)
    assert state == 2 * 4 * (12 + 8), "hidden and cell state of 12 and of 8 units"
    structures = 24 * len(graph.tensors) + 128 * len(graph.operators)
    assert arena(flatbuffer).persistent >= state + structures


def test_cmsis_nn_unfolds_the_largest_kernel_and_keeps_sums_for_each_lstm(make: Make) -> None:
    int8 = ExportFormat("features", "int8")
    # Kernels of 3 x 3 with 1 and 8 channels: two columns of 72 values of 16 bits.
    assert cmsis_nn_scratch(make("cnn").flatbuffer(int8)) == 288
    assert cmsis_nn_scratch(make("rnn_lstm").flatbuffer(int8)) == 32 * (12 + 8) + 2 * 256
    assert cmsis_nn_scratch(make("cnn").flatbuffer(ExportFormat("features", "float32"))) == 0
    assert cmsis_nn_scratch(one_operator("ADD")) == 0


def test_values_that_never_meet_share_their_place() -> None:
    # One float in, one out: 16 bytes each, for memory is given out in pieces of 16.
    assert arena(one_operator("ADD")).activations == 32


def test_the_whole_is_the_sum_of_its_parts() -> None:
    assert Arena(activations=1000, persistent=24).bytes == 1024


@pytest.mark.tensorflow
@pytest.mark.process
@needs_micro
@pytest.mark.parametrize(
    ("most", "overrides"),
    [
        (32_768, ["model=rnn", "features=mfcc", "segment=3s"]),
        (131_072, ["model=crnn_micro", "features=mel", "segment=3s"]),
        (32_768, ["model=crnn_micro", "features=mfcc", "segment=3s"]),
    ],
    ids=["LSTM 64x2 on mfcc", "crnn_micro on mel", "crnn_micro on mfcc"],
)
def test_the_presets_for_microcontrollers_fit_their_memory(most: int, overrides: list[str]) -> None:
    flatbuffer = _int8_preset(overrides)
    reported = micro.run(flatbuffer, _zeros(flatbuffer)).arena_bytes
    assert reported <= most
    assert arena(flatbuffer).bytes == pytest.approx(reported, rel=0.02)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("preset", "parameters", "most"),
    [("best_small", 100_000, 131_072), ("best_tiny", 20_000, 65_536)],
)
def test_the_best_small_networks_keep_parameters_and_activations_small(
    preset: str, parameters: int, most: int
) -> None:
    flatbuffer = _int8_preset([f"experiment={preset}"])
    (graph,) = graphs(flatbuffer)
    assert sum(tensor.size for tensor in graph.tensors if tensor.constant) < 2 * parameters
    assert arena(flatbuffer).activations <= most


def _int8_preset(overrides: list[str]) -> bytes:
    """Return the int8 file of an untrained preset of full size; weights change no sizes."""
    from genrecls.export.convert.worker import network

    tensorflow_setup.configure_tensorflow()
    experiment = parse(compose("train", overrides))
    ((name, shape),) = experiment.segment.shapes(experiment.features).items()
    statistics = {name: Normalisation(np.zeros(shape[-1]), np.ones(shape[-1]))}
    assert isinstance(experiment.model, ModelFamily)
    model = experiment.model.build({name: shape}, 10, statistics)
    examples = np.random.default_rng(0).standard_normal((4, *shape)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return network(model, "int8", {name: examples})


def _zeros(flatbuffer: bytes) -> list[NDArray[np.generic]]:
    """Return one example of zeros for each input."""
    graph = graphs(flatbuffer)[0]
    kinds = {"INT8": np.int8, "FLOAT32": np.float32}
    inputs = [graph.tensors[index] for index in graph.inputs]
    return [np.zeros(tensor.shape, kinds[tensor.kind]) for tensor in inputs]
