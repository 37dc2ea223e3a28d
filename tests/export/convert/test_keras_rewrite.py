"""Classical models bring what networks of layers do not have: operations, and scaling inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genrecls.export.convert.keras_rewrite import rewrite
from genrecls.models.base import Normalisation
from genrecls.models.decisions import LinearDecision, row_layers, scale

pytestmark = pytest.mark.tensorflow

RNG = np.random.default_rng(0)


def classical() -> Any:
    """Return a linear model of the statistics of a picture, standardised before and after."""
    import keras

    statistics = {"mfcc": Normalisation(np.linspace(-9, 9, 4), np.linspace(1, 50, 4))}
    sources, row = row_layers({"mfcc": (12, 4)}, ("mean", "movement"), statistics)
    scaled = scale(row, Normalisation(np.full(8, 0.5), np.full(8, 3.0)), "normalise_columns")
    decision = LinearDecision(RNG.standard_normal((8, 3)), np.zeros(3))
    return keras.Model(sources, decision.apply(scaled))


def test_operations_without_weights_survive_the_rewriting() -> None:
    model, picture = classical(), RNG.standard_normal((1, 12, 4)).astype(np.float32)
    answer = model.predict({"mfcc": picture}, verbose=0)
    again = rewrite(model).predict({"mfcc": picture}, verbose=0)
    np.testing.assert_allclose(again, answer, atol=1e-6)


def test_only_the_normalisation_of_inputs_is_left_out_for_int8() -> None:
    model, picture = classical(), RNG.standard_normal((1, 12, 4)).astype(np.float32)
    mean, deviation = np.linspace(-9, 9, 4), np.sqrt(np.linspace(1, 50, 4))
    answer = model.predict({"mfcc": picture * deviation + mean}, verbose=0)
    plain = rewrite(model, normalise=False).predict({"mfcc": picture}, verbose=0)
    np.testing.assert_allclose(plain, answer, atol=1e-5)
