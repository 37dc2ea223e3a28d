"""The layers of a trained network: their names, their outputs, and the weights of the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ConfigError, nearest

if TYPE_CHECKING:
    import keras

_GATES = {
    "LSTM": ("input gate", "forget gate", "cell", "output gate"),
    "GRU": ("update gate", "reset gate", "candidate"),
}
"""Blocks of columns in the kernels of Keras' recurrent layers, in their order."""


@dataclass(frozen=True)
class Kernel:
    """The weights with which a first layer looks at its input.

    Attributes:
        layer: its name.
        weights: filters (filters, frames, coefficients), or a matrix (inputs, outputs).
        gates: names of the equal blocks of outputs of a recurrent layer.
    """

    layer: str
    weights: NDArray[np.floating[Any]]
    gates: tuple[str, ...] = ()


def layers_of(model: keras.Model) -> dict[str, Any]:
    """Return all layers by name, first to last, networks inside the network opened up."""
    import keras

    by_name: dict[str, Any] = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            by_name = {**layers_of(layer), **by_name}
        elif not isinstance(layer, keras.layers.InputLayer):
            by_name.setdefault(layer.name, layer)
    return by_name


def chosen_layers(model: keras.Model, names: Sequence[str] | None = None) -> list[str]:
    """Return the names of the layers to show, in the order of the network.

    Args:
        model: the network.
        names: the wanted ones; None takes all convolutions, in a network without any the
            recurrent layers, in one without those the dense layers but the last.

    Raises:
        ConfigError: there is no such layer.
    """
    layers = layers_of(model)
    for name in names or ():
        if name not in layers:
            raise ConfigError(
                f"--layers: the model has no layer '{name}'; allowed: {', '.join(layers)}"
                f"{nearest(name, layers)}"
            )
    if names is not None:
        return [name for name in layers if name in names]
    return [layer.name for layer in _main_layers(model)]


def first_kernel(model: keras.Model) -> Kernel | None:
    """Return the weights with which the first main layer looks at its input.

    Those of a convolution are summed over its input channels: where all of them show the same
    picture, it is the sum that acts. None where no layer has a kernel.
    """
    layers = _main_layers(model) or [
        layer for layer in layers_of(model).values() if _is_dense(layer)
    ]
    if not layers:
        return None
    layer = layers[0]
    weights = np.asarray(layer.get_weights()[0], dtype=np.float32)
    if weights.ndim == 4:
        depthwise = "Depthwise" in type(layer).__name__ or "Separable" in type(layer).__name__
        flat = weights.reshape(*weights.shape[:2], -1) if depthwise else weights.sum(axis=2)
        return Kernel(layer.name, flat.transpose(2, 0, 1))
    if weights.ndim == 3:
        return Kernel(layer.name, weights.transpose(2, 0, 1))
    inner = getattr(layer, "forward_layer", layer)
    return Kernel(layer.name, weights, _GATES.get(type(inner).__name__, ()))


def activations(
    model: keras.Model, inputs: Mapping[str, NDArray[Any]], names: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """Return the outputs of the layers `names` for one segment, without an axis for segments.

    A layer inside an inner network has no place in the outer one that could be asked for its
    output; so each layer's `call` is wrapped while the network answers.
    """
    layers = {name: layers_of(model)[name] for name in names}
    outputs: dict[str, NDArray[np.float32]] = {}

    def recording(name: str, call: Any) -> Any:
        def call_and_record(*values: Any, **settings: Any) -> Any:
            answer = call(*values, **settings)
            first = answer[0] if isinstance(answer, list | tuple) else answer
            outputs[name] = np.asarray(first[0], dtype=np.float32)
            return answer

        return call_and_record

    for name, layer in layers.items():
        layer.call = recording(name, layer.call)
    try:
        model({name: values[None] for name, values in inputs.items()}, training=False)
    finally:
        for layer in layers.values():
            del layer.call
    return {name: outputs[name] for name in names}


def _main_layers(model: keras.Model) -> list[Any]:
    """Return the convolutions, else the recurrent layers, else the hidden dense layers."""
    import keras

    kinds = keras.layers
    convolutions = (
        kinds.Conv1D,
        kinds.Conv2D,
        kinds.DepthwiseConv1D,
        kinds.DepthwiseConv2D,
        kinds.SeparableConv1D,
        kinds.SeparableConv2D,
    )
    layers = list(layers_of(model).values())
    for wanted in (convolutions, (kinds.RNN, kinds.Bidirectional)):
        chosen = [layer for layer in layers if isinstance(layer, wanted)]
        if chosen:
            return chosen
    return [layer for layer in layers if _is_dense(layer)][:-1]


def _is_dense(layer: Any) -> bool:
    import keras

    return isinstance(layer, keras.layers.Dense)
