"""What a classical classifier has learnt, as arrays, and the layers that decide by them.

They are layers that Keras has anyway. So an estimator is, after its fit, a network like any other:
it is saved without pickle, read in safe mode, counted and exported by what is there for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from genrecls.models.base import Normalisation, Shapes
from genrecls.models.layers import frames_of, normalised_input

if TYPE_CHECKING:
    import keras

Statistic = Literal["mean", "deviation", "minimum", "maximum", "movement"]
"""Of a coefficient over the frames; `movement` is the deviation of its change between frames."""

SIMILARITIES = "similarities"
"""Name of the layer of a radial kernel."""

Array = NDArray[np.floating[Any]]


class Decision(ABC):
    """A rule from the row of a segment to the probabilities of its genres."""

    @abstractmethod
    def apply(self, row: Any) -> Any:
        """Return probabilities (batch, classes) of rows (batch, columns)."""


@dataclass(frozen=True, eq=False)
class LinearDecision(Decision):
    """Softmax of weighted sums.

    Attributes:
        weights: shape (columns, classes).
        bias: shape (classes,).
    """

    weights: Array
    bias: Array

    def apply(self, row: Any) -> Any:
        """Return probabilities (batch, classes)."""
        return _dense(row, "genres", self.weights, self.bias, "softmax")


@dataclass(frozen=True, eq=False)
class VotingDecision(Decision):
    """Softmax of the votes of pairs of classes, each of which nears 1 or -1 beyond its margin.

    Attributes:
        weights: shape (columns, pairs).
        bias: shape (pairs,).
        votes: what a pair gives each class, shape (pairs, classes).
    """

    weights: Array
    bias: Array
    votes: Array

    def apply(self, row: Any) -> Any:
        """Return probabilities (batch, classes)."""
        pairs = _dense(row, "pairs", self.weights, self.bias, "tanh")
        return _dense(pairs, "genres", self.votes, None, "softmax")


@dataclass(frozen=True, eq=False)
class KernelDecision(Decision):
    """Votes of pairs by the similarities exp(-gamma |x - v|^2) to vectors v.

    Attributes:
        vectors: shape (vectors, columns).
        voting: takes the similarities.
    """

    vectors: Array
    gamma: float
    voting: VotingDecision

    def apply(self, row: Any) -> Any:
        """Return probabilities (batch, classes)."""
        from keras import layers, ops

        # |x - v|^2 is |x|^2 - 2 x v + |v|^2, so that most of the work is one dense layer.
        products = _dense(
            row,
            "vectors",
            2 * self.gamma * self.vectors.T,
            -self.gamma * np.square(self.vectors).sum(axis=1),
        )
        own = ops.sum(ops.square(row), axis=1, keepdims=True) * -self.gamma
        similarities = layers.Activation("exponential", name=SIMILARITIES)(products + own)
        return self.voting.apply(similarities)


@dataclass(frozen=True, eq=False)
class NeighbourDecision(Decision):
    """Share of each genre among the nearest examples; equally far ones all count.

    Attributes:
        vectors: the examples, shape (examples, columns).
        genres: 1 for the genre of each, shape (examples, classes).
        count: how many neighbours vote.
    """

    vectors: Array
    genres: Array
    count: int

    def apply(self, row: Any) -> Any:
        """Return probabilities (batch, classes)."""
        from keras import ops

        # Of all distances |x|^2 is the same, so the largest 2 x v - |v|^2 is the nearest.
        nearness = _dense(row, "examples", 2 * self.vectors.T, -np.square(self.vectors).sum(axis=1))
        farthest = ops.min(ops.top_k(nearness, self.count)[0], axis=1, keepdims=True)
        votes = ops.cast(nearness >= farthest, "float32")
        shares = votes / ops.sum(votes, axis=1, keepdims=True)
        return _dense(shares, "genres", self.genres)


@dataclass(frozen=True, eq=False)
class TreeDecision(Decision):
    """Decision trees, whose nodes are numbered through; a leaf leads to itself.

    Attributes:
        roots: first node of each tree.
        feature, threshold: column that a node looks at, and the largest value that goes left.
        left, right: next node.
        values: what each tree adds where it ends, shape (nodes, classes).
        depth: steps from a root to the deepest leaf.
        bias: shape (classes,), beneath the softmax of boosted trees; None where trees of a forest
            give probabilities themselves.
    """

    roots: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: Array
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    values: Array
    depth: int
    bias: Array | None

    def apply(self, row: Any) -> Any:
        """Return probabilities (batch, classes)."""
        from keras import layers, ops

        trees = len(self.roots)
        table = np.stack([self.feature, self._thresholds(), self.left, self.right], axis=1)
        zero = ops.cast(ops.zeros_like(row[:, :1]), "int32")
        node = _lookup(zero, "roots", self.roots[None])
        node = ops.cast(layers.Reshape((trees,), name="start")(node), "int32")
        if self.depth:
            step = _step(row.shape[1], trees, table)
            for _ in range(self.depth):
                node = step([row, node])
        values = _lookup(node, "leaves", self.values)
        if self.bias is None:
            return ops.mean(values, axis=1)
        # A dense layer of ones and zeros adds the bias, which no layer by itself does.
        sums = ops.sum(values, axis=1)
        return _dense(sums, "genres", np.eye(self.values.shape[1]), self.bias, "softmax")

    def _thresholds(self) -> NDArray[np.float32]:
        """Return the largest number of single precision that still goes left."""
        rounded = self.threshold.astype(np.float32)
        lower = np.nextafter(rounded, np.float32(-np.inf))
        return np.where(rounded > self.threshold, lower, rounded)


def _step(columns: int, trees: int, table: Array) -> keras.Model:
    """Return the network that takes rows and the node of every tree to the next nodes.

    Args:
        columns: of a row.
        trees: number of trees.
        table: feature, threshold, left and right of each node; whole numbers are exact up to 2^24.
    """
    import keras
    from keras import ops

    row = keras.Input((columns,), name="row")
    node = keras.Input((trees,), dtype="int32", name="node")
    parts = ops.split(_lookup(node, "nodes", table), 4, axis=-1)
    feature, threshold, left, right = (ops.squeeze(part, axis=-1) for part in parts)
    value = ops.take_along_axis(row, ops.cast(feature, "int32"), axis=1)
    following = ops.cast(ops.where(value <= threshold, left, right), "int32")
    return keras.Model([row, node], following, name="step")


def row_layers(
    shapes: Shapes, statistics: Sequence[Statistic], normalisation: Mapping[str, Normalisation]
) -> tuple[dict[str, keras.KerasTensor], keras.KerasTensor]:
    """Return the inputs, and one row of columns a segment that is made of them.

    A table row stays as it is. Of a picture the row holds each statistic of each coefficient over
    the frames.

    Args:
        shapes: shape of each input.
        statistics: what is made of pictures.
        normalisation: statistics over the training part of each picture.
    """
    from keras import layers

    sources, rows = {}, []
    for name, shape in shapes.items():
        sources[name], x = normalised_input(name, shape, normalisation.get(name))
        if len(shape) == 1:
            rows.append(x)
        else:
            rows += [_over_time(frames_of(x), statistic) for statistic in statistics]
    row = rows[0] if len(rows) == 1 else layers.Concatenate(name="columns")(rows)
    return sources, row


def _over_time(frames: Any, statistic: Statistic) -> Any:
    from keras import ops

    if statistic == "movement":
        return ops.std(frames[:, 1:] - frames[:, :-1], axis=1)
    reduce = {"mean": ops.mean, "deviation": ops.std, "minimum": ops.min, "maximum": ops.max}
    return reduce[statistic](frames, axis=1)


def scale(row: Any, scaling: Normalisation | None, name: str) -> Any:
    """Return a row with each column scaled."""
    from keras import layers

    if scaling is None:
        return row
    mean, variance = scaling.mean.tolist(), scaling.variance.tolist()
    return layers.Normalization(axis=-1, mean=mean, variance=variance, name=name)(row)


def _dense(
    x: Any, name: str, weights: Array, bias: Array | None = None, activation: str | None = None
) -> Any:
    from keras import layers

    layer = layers.Dense(
        weights.shape[1], activation=activation, use_bias=bias is not None, name=name
    )
    result = layer(x)
    layer.set_weights([weights] if bias is None else [weights, bias])
    return result


def _lookup(index: Any, name: str, table: NDArray[Any]) -> Any:
    from keras import layers

    layer = layers.Embedding(*table.shape, name=name)
    result = layer(index)
    layer.set_weights([table])
    return result
