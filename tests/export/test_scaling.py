"""The normalisation of int8 networks, in the quantisation of their input."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from genrecls.export.converter import _converter
from genrecls.export.flatbuffer import tidied
from genrecls.export.rebuilt import rebuilt
from genrecls.export.scaling import scalings
from genrecls.export.variants import MODES, Variant
from genrecls.modelfile import load
from genrecls.runtime.network import Network
from tests.export.conftest import Make
from tests.export.exported import operators, run

INT8 = Variant("features", "int8")


@pytest.mark.parametrize("name", ["cnn", "rnn_lstm", "cnn_mlp"])
def test_an_int8_file_holds_mean_and_deviation_of_every_coefficient(name: str, make: Make) -> None:
    made = make(name)
    found, network = scalings(load(made.tiny.path)[0]), Network(made.flatbuffer(INT8))
    assert set(found) == set(network.inputs)
    for source, details in network.inputs.items():
        assert len(details["mean"]) == details["shape"][-1]
        assert np.allclose(details["mean"], found[source].mean)
        assert np.allclose(details["deviation"], found[source].deviation)


def test_an_int8_network_does_not_normalise_a_second_time(make: Make) -> None:
    kinds = operators(make("cnn").flatbuffer(INT8))
    assert not {"SUB", "MUL"} & set(kinds)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "int8"])
def test_the_other_modes_normalise_inside(mode: Any, make: Make) -> None:
    (details,) = Network(make("cnn").flatbuffer(Variant("features", mode))).inputs.values()
    assert "mean" not in details


def test_one_scale_for_all_coefficients_would_lose_more(make: Make) -> None:
    made = make("cnn")
    calibration = made.tiny.request(INT8).calibration
    twin = rebuilt(load(made.tiny.path)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one_scale = tidied(_converter(twin, "int8", calibration).convert())
    loss = [
        np.abs(run(content, made.tiny.inputs) - made.tiny.answers).mean()
        for content in (made.flatbuffer(INT8), one_scale)
    ]
    assert loss[0] < 0.8 * loss[1]
