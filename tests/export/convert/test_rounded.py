"""The int8 file of a network that has learnt with its rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genrecls.export.convert.limitations import refusal
from genrecls.export.convert.worker import network
from genrecls.export.formats import INPUTS, MODES, ExportFormat
from genrecls.models.rounding import round_weights, with_rounding
from genrecls.runtime.network import Network
from tests.export.conftest import Make
from tests.export.exported import operators
from tests.models.families import build, noise

pytestmark = pytest.mark.tensorflow

SIZE = (64, 32)


@pytest.fixture(scope="module")
def rounded() -> Any:
    """Return a network and its int8 file."""
    import keras

    keras.utils.set_random_seed(0)
    examples = {"mel": noise(64, SIZE)}
    model = with_rounding(build("separable", SIZE, source="mel", squeeze=4), examples)
    round_weights(model)
    return model, network(model, "int8", examples)


def test_the_file_answers_as_the_network_does(rounded: Any) -> None:
    model, content = rounded
    examples = {"mel": noise(40, SIZE, seed=1)}
    expected = np.asarray(model(examples, training=False))
    # Of random weights some values are too small for the delegate.
    found = Network(content, delegates=False).probabilities(examples)
    assert np.abs(found - expected).max() < 0.02


def test_the_file_computes_with_integers_alone(rounded: Any) -> None:
    kinds = set(operators(rounded[1]))
    assert {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SOFTMAX"} <= kinds
    assert not {"FAKE_QUANT", "DEQUANTIZE"} & kinds


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "int8"])
def test_no_other_mode_answers_as_it_does(mode: Any, rounded: Any, make: Make) -> None:
    card = make("cnn").tiny.card
    for kind in INPUTS:
        reason = refusal(rounded[0], card, ExportFormat(kind, mode), 64)
        assert reason is not None
        assert reason.endswith("use the mode int8, or train with trainer.int8_epochs=0")
