"""What a network costs: parameters and multiply-accumulates, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

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


def layer_costs(model: keras.Model) -> list[LayerCost]:
    """Return the cost of every layer of a built model, first to last."""
    return [
        LayerCost(
            name=layer.name,
            kind=type(layer).__name__,
            output=tuple(layer.output.shape[1:]),
            parameters=layer.count_params(),
            macs=_macs(layer),
        )
        for layer in model.layers
    ]


def _macs(layer: Any) -> int:
    """Count from the kernels: each weight of a kernel is used once per output position."""
    kind = type(layer).__name__
    if kind in {"Conv1D", "Conv2D", "Dense"}:
        return int(prod(layer.kernel.shape) * prod(layer.output.shape[1:-1]))
    if kind in {"LSTM", "GRU", "SimpleRNN"}:
        weights = prod(layer.cell.kernel.shape) + prod(layer.cell.recurrent_kernel.shape)
        return int(layer.input.shape[1] * weights)
    return 0
