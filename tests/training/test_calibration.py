"""A temperature that makes probabilities mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import ConfigError
from genrecls.training.calibration import (
    BOUNDS,
    apply_temperature,
    fit_temperature,
    require_softmax,
)
from genrecls.training.data import Examples
from genrecls.training.loop import probabilities
from tests.training.toys import network, toy_examples


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _examples(truth: NDArray[np.int64], segments: int = 1) -> Examples:
    tracks = tuple(f"t{row // segments}" for row in range(len(truth)))
    return Examples({}, truth, tracks, np.zeros(len(truth)))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_with_which_answers_were_drawn_is_found_again(temperature: float) -> None:
    random = np.random.default_rng(0)
    logits = 2 * random.standard_normal((4000, 4))
    shares = _softmax(logits)
    truth = np.array([random.choice(4, p=row) for row in shares])
    sure = _softmax(logits * temperature)
    assert fit_temperature(sure, _examples(truth)) == pytest.approx(temperature, rel=0.1)


def test_it_is_fitted_for_tracks_whose_mean_is_less_sure_than_their_segments() -> None:
    random = np.random.default_rng(0)
    truth = np.repeat(np.arange(300) % 3, 5)
    logits = np.eye(3)[truth] + 1.5 * random.standard_normal((1500, 3))
    shares = _softmax(logits)
    alone = fit_temperature(shares, _examples(truth))
    together = fit_temperature(shares, _examples(truth, segments=5))
    assert together < alone


def test_a_part_without_a_mistake_gives_a_bounded_temperature() -> None:
    truth = np.arange(6) % 3
    temperature = fit_temperature(_softmax(3 * np.eye(3)[truth]), _examples(truth))
    assert BOUNDS[0] <= temperature < 1.01 * BOUNDS[0]


def test_the_network_itself_answers_with_the_temperature() -> None:
    model, examples = network(), toy_examples(12)
    before = probabilities(model, examples, 8)
    apply_temperature(model, 2.0)
    after = probabilities(model, examples, 8)
    assert after == pytest.approx(_softmax(np.log(before) / 2), abs=1e-6)


def test_a_network_that_ends_in_something_else_is_refused() -> None:
    import keras

    source = keras.Input((3,))
    other = keras.Model(source, keras.layers.Softmax(name="end")(source), name="mine")
    with pytest.raises(ConfigError, match="and that of 'mine' is 'end'"):
        require_softmax(other)
    require_softmax(network())
