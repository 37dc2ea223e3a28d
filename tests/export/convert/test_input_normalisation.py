"""The normalisation of int8 networks, in the quantisation of their input."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.export.convert.keras_rewrite import rewrite
from genrecls.export.convert.worker import converter, network
from genrecls.export.formats import MODES, ExportFormat
from genrecls.export.tflite.converter_fixes import clean
from genrecls.models import tensorflow_setup
from genrecls.models.base import Normalisation
from genrecls.models.layers import input_statistics
from genrecls.runs.model_file import load
from genrecls.runtime.network import Network
from tests.export.conftest import Make
from tests.export.exported import operators, run
from tests.models.families import build_for

INT8 = ExportFormat("features", "int8")


@pytest.mark.parametrize("name", ["cnn", "rnn_lstm", "cnn_mlp"])
def test_an_int8_file_holds_mean_and_deviation_of_every_coefficient(name: str, make: Make) -> None:
    made = make(name)
    found, file = input_statistics(load(made.tiny.path)[0]), Network(made.flatbuffer(INT8))
    assert set(found) == set(file.inputs)
    for source, details in file.inputs.items():
        assert len(details["mean"]) == details["shape"][-1]
        assert np.allclose(details["mean"], found[source].mean)
        assert np.allclose(details["deviation"], found[source].deviation)


def test_an_int8_network_does_not_normalise_a_second_time(make: Make) -> None:
    kinds = operators(make("cnn").flatbuffer(INT8))
    assert not {"SUB", "MUL"} & set(kinds)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "int8"])
def test_the_other_modes_normalise_inside(mode: Any, make: Make) -> None:
    (details,) = Network(make("cnn").flatbuffer(ExportFormat("features", mode))).inputs.values()
    assert "mean" not in details


def test_one_scale_for_all_coefficients_would_lose_more(make: Make) -> None:
    made = make("cnn")
    calibration = made.tiny.request(INT8).calibration
    twin = rewrite(load(made.tiny.path)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one_scale = clean(converter(twin, "int8", calibration).convert())
    loss = [
        np.abs(run(content, made.tiny.inputs) - made.tiny.answers).mean()
        for content in (made.flatbuffer(INT8), one_scale)
    ]
    assert loss[0] < 0.8 * loss[1]


@pytest.mark.tensorflow
def test_half_precision_does_not_touch_the_normalisation(tmp_path: Path) -> None:
    tensorflow_setup.configure_tensorflow()
    mean, deviation = np.array([1.5, 3217.3, 2e5]), np.array([1e-4, 811.7, 9e4])
    shapes = {"summary": (3,)}
    statistics = {"summary": Normalisation(mean, deviation**2)}
    model = build_for("mlp", shapes, statistics=statistics, head={"units": [8]}, n_classes=4)
    values = np.random.default_rng(0).normal(mean, deviation, (20, 3)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = network(model, "float16", None)
    found = run(content, {"summary": values})
    assert np.abs(found - model.predict_on_batch({"summary": values})).max() < 1e-2
