"""What in a segment spoke for a genre and what against it: integrated gradients.

M. Sundararajan, A. Taly, Q. Yan, "Axiomatic attribution for deep networks", ICML 2017: the
gradient is averaged along the straight line from a baseline to the segment. It works for every
network that has gradients, whatever its layers and however many inputs, and it is complete: what
all values are given sums to the difference of the scores at both ends.

The score is the log-odds of a genre against all others, `ln(p / (1 - p))`. Its differences are the
weight of evidence (I. J. Good, 1950) in nats; other than a probability or its logarithm, it does
not go flat where the network is sure, and other than a single logit, it does not rise where all
genres rise together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.models.cost import layer_costs
from genrecls.models.layers import input_statistics

if TYPE_CHECKING:
    import keras

Arrays = Mapping[str, NDArray[np.floating[Any]]]
"""One value, or one array, an input; no axis for segments unless it is said."""
Scorer = Callable[[Mapping[str, Any]], Any]

# The layers of a network give so many values for the points of one call: with what the gradients
# need, a few hundred MB.
_VALUES_PER_CALL = 2**25
_POINTS_PER_CALL = 64


@dataclass(frozen=True)
class Attribution:
    """The evidence for one genre in one segment.

    Attributes:
        weights: of each input, an array of its shape: nats for (positive) or against the genre.
        before: log-odds of the genre for the baseline.
        after: log-odds of the genre for the segment.
    """

    weights: dict[str, NDArray[np.float64]]
    before: float
    after: float

    @property
    def gap(self) -> float:
        """Nats by which the sum of all weights misses the difference: error of the integral."""
        return sum(float(weights.sum()) for weights in self.weights.values()) - (
            self.after - self.before
        )


class Explainer:
    """Explains any number of segments; the network is compiled for the first one only.

    Step by step, without a compiled graph, a recurrent network takes minutes.

    Args:
        model: a network from named inputs to probabilities; it is not changed.
    """

    def __init__(self, model: keras.Model) -> None:
        import tensorflow as tf

        self._model = model
        values = sum(prod(cost.output) for cost in layer_costs(model))
        self._points_per_call = max(1, min(_POINTS_PER_CALL, _VALUES_PER_CALL // values))
        scores_of = _scores(model)
        shapes = {name: tf.TensorSpec(x.shape, tf.float32) for name, x in model.input.items()}

        @tf.function(input_signature=(shapes, tf.TensorSpec([], tf.int32)))  # type: ignore[untyped-decorator]
        def odds_and_gradients(inputs: Mapping[str, Any], genre: Any) -> tuple[Any, Any]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(inputs)
                scores = tf.cast(scores_of(inputs), tf.float32)
                # Log-odds of the genre against all others, shape (segments,).
                genre_alone = tf.one_hot(genre, scores.shape[1], on_value=True, off_value=False)
                others = tf.where(genre_alone, -np.inf, scores)
                odds = tf.gather(scores, genre, axis=1) - tf.reduce_logsumexp(others, axis=1)
            zero = tf.UnconnectedGradients.ZERO
            return odds, tape.gradient(odds, inputs, unconnected_gradients=zero)

        self._odds_and_gradients = odds_and_gradients

    def attribute(self, inputs: Arrays, genre: int, points: int = 128) -> Attribution:
        """Return what each value of `inputs`, one segment, adds to the log-odds of `genre`.

        Args:
            inputs: the arrays of one segment, without an axis for segments.
            genre: class index.
            points: number of points on the line from the baseline; more make `gap` smaller.
        """
        before = baseline(self._model, inputs)
        ends = {name: np.stack([before[name], inputs[name]]) for name in inputs}
        first, last = self._at(ends, genre)[0]
        return Attribution(
            self._integral(genre, before, inputs, points),
            float(first),
            float(last),
        )

    def _integral(
        self, genre: int, before: Arrays, after: Arrays, points: int
    ) -> dict[str, NDArray[np.float64]]:
        """Return the mean gradient on the line, by Gauss's quadrature, times the difference."""
        nodes, shares = np.polynomial.legendre.leggauss(points)
        nodes, shares = (nodes + 1) / 2, shares / 2
        steps = {name: after[name] - before[name] for name in after}
        total = {name: np.zeros(step.shape) for name, step in steps.items()}
        for first in range(0, points, self._points_per_call):
            part = slice(first, first + self._points_per_call)
            line = {
                name: before[name] + np.multiply.outer(nodes[part], steps[name]) for name in steps
            }
            for name, gradients in self._at(line, genre)[1].items():
                total[name] += np.tensordot(shares[part], gradients, axes=1)
        return {name: total[name] * steps[name] for name in steps}

    def _at(self, line: Arrays, genre: int) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Return the log-odds at each point, and their gradients, arrays (points, ...)."""
        import tensorflow as tf

        tensors = {name: tf.constant(values, tf.float32) for name, values in line.items()}
        odds, gradients = self._odds_and_gradients(tensors, tf.constant(genre))
        return odds.numpy(), {name: value.numpy() for name, value in gradients.items()}


def baseline(model: keras.Model, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
    """Return the input that says nothing: the mean of the training part, else zeros.

    The mean is known where a normalisation layer stands behind the input.
    """
    statistics = input_statistics(model)
    return {
        name: np.broadcast_to(
            statistics[name].mean if name in statistics else 0.0, values.shape
        ).astype(np.float32)
        for name, values in inputs.items()
    }


def _scores(model: keras.Model) -> Scorer:
    """Return the function to logits, or to log-probabilities where there is no plain softmax.

    Log-odds are the same from both; only rounding differs, much so where a probability is near 1.
    """
    import keras
    import tensorflow as tf

    last = model.layers[-1]
    if getattr(last, "activation", None) is not keras.activations.softmax:
        return lambda inputs: tf.math.log(tf.maximum(model(inputs, training=False), 1e-7))
    before = keras.Model(model.input, last.input)
    if not isinstance(last, keras.layers.Dense):
        return lambda inputs: before(inputs, training=False)
    return lambda inputs: (
        tf.matmul(before(inputs, training=False), last.kernel)
        + (last.bias if last.use_bias else 0.0)
    )
