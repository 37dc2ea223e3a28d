"""What a network costs: parameters and multiply-accumulates, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
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
    """Return the cost of every layer of a built model, first to last.

    A model inside the model is taken apart: its layers are called `<model>/<layer>`.
    """
    return list(_costs(model, ""))


def _costs(model: keras.Model, prefix: str) -> Iterator[LayerCost]:
    for layer in model.layers:
        name = f"{prefix}{layer.name}"
        if hasattr(layer, "layers"):
            yield from _costs(layer, f"{name}/")
            continue
        yield LayerCost(
            name=name,
            kind=type(layer).__name__,
            output=tuple(layer.output.shape[1:]),
            parameters=layer.count_params(),
            macs=_macs(layer),
        )


def _macs(layer: Any) -> int:
    """Count from the kernels: each weight of a kernel is used once per output position."""
    kind = type(layer).__name__
    if kind in {"Conv1D", "Conv2D", "Dense"}:
        return int(prod(layer.kernel.shape) * prod(layer.output.shape[1:-1]))
    if kind in {"LSTM", "GRU", "SimpleRNN"}:
        return int(layer.input.shape[1] * _weights_a_step(layer))
    if kind == "Bidirectional":
        directions = layer.forward_layer, layer.backward_layer
        return int(layer.input.shape[1] * sum(map(_weights_a_step, directions)))
    return 0


def _weights_a_step(layer: Any) -> int:
    return int(prod(layer.cell.kernel.shape) + prod(layer.cell.recurrent_kernel.shape))
