"""What a network costs: parameters and multiply-accumulates, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from genrecls.config.ranges import Count

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class LayerCost:
    """One layer.

    Attributes:
        output: shape of its output, batch axis left out.
        macs: multiply-accumulates for one segment; element-wise work is not counted.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    macs: int


@dataclass(frozen=True)
class ModelCost:
    """A whole network.

    Attributes:
        name: of its preset or family, such as `crnn_micro` or `cnn`.
        macs: multiply-accumulates for one segment.
        pretraining: what its weights had been trained on before; empty for nothing.
    """

    name: str
    parameters: Count
    macs: Count
    pretraining: str = ""

    @classmethod
    def of(cls, name: str, model: keras.Model, pretraining: str = "") -> ModelCost:
        """Return the cost of a built model."""
        costs = layer_costs(model)
        parameters = sum(cost.parameters for cost in costs)
        return cls(name, parameters, sum(cost.macs for cost in costs), pretraining)


def layer_costs(model: keras.Model, prefix: str = "") -> list[LayerCost]:
    """Return the cost of every layer of a built model, first to last.

    Args:
        model: the network. A model inside it is taken apart: its layers are called
            `<model>/<layer>`.
        prefix: what the names begin with.
    """
    costs = []
    for layer in model.layers:
        name, kind = f"{prefix}{layer.name}", type(layer).__name__
        if hasattr(layer, "layers"):
            costs += layer_costs(layer, f"{name}/")
            continue
        macs = 0
        if kind in {"Conv1D", "Conv2D", "DepthwiseConv2D", "Dense"}:
            macs = multiply_accumulates([layer.kernel.shape], prod(layer.output.shape[1:-1]))
        elif kind == "SeparableConv2D":
            matrices = [layer.depthwise_kernel.shape, layer.pointwise_kernel.shape]
            macs = multiply_accumulates(matrices, prod(layer.output.shape[1:-1]))
        elif kind in {"LSTM", "GRU", "SimpleRNN", "Bidirectional"}:
            both = kind == "Bidirectional"
            directions = (layer.forward_layer, layer.backward_layer) if both else (layer,)
            cells = [direction.cell for direction in directions]
            matrices = [matrix.shape for c in cells for matrix in (c.kernel, c.recurrent_kernel)]
            macs = multiply_accumulates(matrices, layer.input.shape[1])
        output = tuple(layer.output.shape[1:])
        costs.append(LayerCost(name, kind, output, layer.count_params(), macs))
    return costs


def multiply_accumulates(weights: Iterable[Sequence[int]], uses: int) -> int:
    """Return how many products a layer adds up, each of which takes one of its weights.

    Args:
        weights: shapes of its kernels.
        uses: how often each weight is used: at every position of a convolution, for every row of a
            dense layer, at every step of a recurrent one.
    """
    return uses * sum(map(prod, weights))
