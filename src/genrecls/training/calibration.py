"""Probabilities that mean what they say: a temperature, fitted on the validation part.

The logits of the network are divided by one number, so that the most probable genre of a segment
stays what it was (C. Guo et al., "On calibration of modern neural networks", ICML 2017). The number
goes into the weights of the last layer: the network has no layer more, and every file that is
exported of it answers likewise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ConfigError
from genrecls.training.data import Examples

if TYPE_CHECKING:
    import keras

BOUNDS = (0.2, 5.0)
"""Lowest and highest temperature: a small part that is all right asks for 0, all wrong for more."""


def fit_temperature(probabilities: NDArray[np.float64], examples: Examples) -> float:
    """Return the temperature with the least log loss of tracks, whose segments are averaged.

    A track is what is answered in the end. Its mean is less sure than its segments are, and more
    often right.

    Args:
        probabilities: of the segments, shape (segments, classes).
        examples: the same segments.
    """
    from scipy.optimize import minimize_scalar

    _, first, track_of = np.unique(examples.tracks, return_index=True, return_inverse=True)
    truth = examples.targets[first]
    logits = np.log(np.clip(probabilities, 1e-12, 1))

    def loss(log_temperature: float) -> float:
        powers = np.exp(logits / np.exp(log_temperature))
        shares = powers / powers.sum(axis=1, keepdims=True)
        sums = np.zeros((len(first), shares.shape[1]))
        np.add.at(sums, track_of, shares)
        means = sums / np.bincount(track_of)[:, None]
        return float(-np.log(means[np.arange(len(first)), truth]).mean())

    best = minimize_scalar(loss, bounds=np.log(BOUNDS), method="bounded")
    return float(np.exp(best.x))


def require_softmax(model: keras.Model) -> None:
    """Refuse a network that has no last layer to put a temperature into.

    Raises:
        ConfigError: its last layer is not a dense one with softmax.
    """
    import keras

    last = model.layers[-1]
    if not (isinstance(last, keras.layers.Dense) and last.activation is keras.activations.softmax):
        raise ConfigError(
            "trainer.calibration: received 'temperature', for which the last layer of the network "
            f"must be a dense one with softmax, and that of '{model.name}' is '{last.name}' "
            f"({type(last).__name__}); use none"
        )


def apply_temperature(model: keras.Model, temperature: float) -> None:
    """Divide the logits of a network that ends in a dense layer with softmax."""
    last = model.layers[-1]
    last.set_weights([values / np.float32(temperature) for values in last.get_weights()])
