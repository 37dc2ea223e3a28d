"""Networks that compute with the rounding of int8 files, so that they can learn with it.

Activations are rounded to 256 values where an int8 file rounds them, and gradients pass as if they
were not (B. Jacob et al., "Quantization and training of neural networks for efficient
integer-arithmetic-only inference", CVPR 2018). Weights have a scale for each filter and lose
little: they are rounded once, after the training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ConfigError

if TYPE_CHECKING:
    import keras

KEY = "trainer.int8_epochs"
"""The setting that asks for such a network."""

OPERATION = "FakeQuantWithMinMaxVars"
"""Class of the operation of Keras that rounds."""

_WITH_WEIGHTS = frozenset({"Conv2D", "DepthwiseConv2D", "Dense"})
_NEW_VALUES = frozenset(
    {"Add", "AveragePooling2D", "Concatenate", "GlobalAveragePooling2D", "Multiply"}
    | {"Normalization", "ReLU", "Subtract"}
)
_SAME_VALUES = frozenset(
    {"Dropout", "Flatten", "GlobalMaxPooling2D", "Identity", "InputLayer", "MaxPooling2D"}
    | {"Reshape"}
)
# What lies beyond these percentiles of a batch is cut off: the largest of millions of values would
# make all steps coarse.
_PERCENTILES = (0.01, 99.99)
_BATCH = 32
# The runtimes know no other.
_OF_SIGMOID = (0.0, 255 / 256)


def is_rounded(model: keras.Model) -> bool:
    """Return whether a network computes with the rounding of int8 files."""
    return any(type(operation).__name__ == OPERATION for operation in model.operations)


def require_roundable(model: keras.Model) -> None:
    """Refuse a network of which an int8 file has values that cannot be rounded here.

    Raises:
        ConfigError: it has layers other than convolutions, dense ones, ReLU, sigmoid and pooling,
            or batch normalisation elsewhere than right behind weights.
    """
    folded = _normalised_weights(model)
    for operation in model.operations:
        kind = type(operation).__name__
        activation = getattr(getattr(operation, "activation", None), "__name__", "linear")
        if operation is model.layers[-1] and activation == "softmax":
            activation = "linear"
        known = kind in _WITH_WEIGHTS | _NEW_VALUES | _SAME_VALUES or operation.name in folded
        if not known or activation not in {"linear", "relu", "sigmoid"}:
            what = f"{kind}, {activation}" if known else kind
            raise ConfigError(
                f"{KEY}: expected a network of convolutions, dense layers, pooling, ReLU and "
                f"sigmoid with batch normalisation right behind the convolutions, received layer "
                f"'{operation.name}' ({what}) of '{model.name}'; use 0, or another model"
            )


def with_rounding(model: keras.Model, inputs: Mapping[str, NDArray[np.float32]]) -> keras.Model:
    """Return a copy of a trained network that rounds as its int8 file will.

    Batch normalisation is in the weights before it, as in the file.

    Args:
        model: a network that `require_roundable` takes.
        inputs: training examples by input name; what they make of each layer gives its range.
    """
    import keras

    plain = _folded(model, {})
    rounded = [layer.name for layer in plain.layers if _has_scale(layer, plain)]
    probe = keras.Model(plain.input, {name: plain.get_layer(name).output for name in rounded})
    ends: dict[str, list[NDArray[np.float64]]] = {name: [] for name in rounded}
    count = len(next(iter(inputs.values())))
    for start in range(0, count, _BATCH):
        batch = {key: np.asarray(values[start : start + _BATCH]) for key, values in inputs.items()}
        for name, values in probe(batch, training=False).items():
            ends[name].append(np.percentile(values, _PERCENTILES))
    ranges = {}
    for name, found in ends.items():
        low, high = np.mean(found, axis=0).tolist()
        # Zero has a step of its own: padding is made of it.
        ranges[name] = (min(0.0, low), max(1e-6, high))
    return _folded(model, ranges)


def round_weights(model: keras.Model) -> None:
    """Give each filter of a network of `with_rounding` the values that an int8 file has for it.

    These are 127 steps of one size either way, of which the largest weight takes the last.
    """
    for layer in model.layers:
        if type(layer).__name__ in _WITH_WEIGHTS:
            kernel, *bias = layer.get_weights()
            filters = -2 if type(layer).__name__ == "DepthwiseConv2D" else -1
            others = tuple(axis for axis in range(kernel.ndim) if axis != kernel.ndim + filters)
            step = np.maximum(np.abs(kernel).max(axis=others, keepdims=True), 1e-12) / 127
            layer.set_weights([np.round(kernel / step) * step, *bias])


def _has_scale(layer: Any, model: keras.Model) -> bool:
    """Return whether an int8 file has a scale for what a layer without normalisation gives."""
    kind = type(layer).__name__
    if kind in _NEW_VALUES:
        return True
    following = [type(other).__name__ for other in _behind(layer)]
    if kind == "InputLayer":
        return "Normalization" not in following
    # The ReLU is a part of the layer before it. The last layer ends in softmax, whose values have
    # a scale of their own.
    return kind in _WITH_WEIGHTS and "ReLU" not in following and layer is not model.layers[-1]


def _behind(layer: Any) -> Iterator[Any]:
    for node in layer._outbound_nodes:
        yield node.operation


def _normalised_weights(model: keras.Model) -> dict[str, Any]:
    """Return the layers with weights right before each batch normalisation, by the name of that."""
    import keras

    found = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            before = layer.input._keras_history.operation
            alone = len(list(_behind(before))) == 1
            linear = getattr(getattr(before, "activation", None), "__name__", "") == "linear"
            if type(before).__name__ in _WITH_WEIGHTS and linear and alone:
                found[layer.name] = before
    return found


def _folded(model: keras.Model, ranges: Mapping[str, tuple[float, float]]) -> keras.Model:
    """Return a copy without batch normalisation that rounds what has a range."""
    import keras

    normalisations = _normalised_weights(model)
    folded = {before.name: model.get_layer(name) for name, before in normalisations.items()}
    # What goes into one is rounded, too.
    sigmoid = keras.activations.sigmoid
    sigmoids = {x.name for x in model.layers if getattr(x, "activation", None) is sigmoid}

    def copy(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name in folded:
            config["use_bias"] = True
        if layer.name in sigmoids:
            config["activation"] = "linear"
        return type(layer).from_config(config)

    sources = {name: keras.Input(x.shape[1:], name=name) for name, x in dict(model.input).items()}
    taken = {id(x): _rounded(x, ranges.get(name)) for name, x in sources.items()}

    def call(layer: Any, x: Any, *rest: Any, **_masks: Any) -> Any:
        if layer.name in normalisations:
            return x
        x = _rounded(layer(taken.get(id(x), x), *rest), ranges.get(layer.name))
        if layer.name in sigmoids:
            x = _rounded(keras.ops.sigmoid(x), _OF_SIGMOID if ranges else None)
        return x

    network = keras.models.clone_model(
        model, input_tensors=sources, clone_function=copy, call_function=call
    )
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        original = model.get_layer(layer.name)
        weights = original.get_weights()
        if layer.name in folded:
            weights = _with_normalisation(original, folded[layer.name])
        layer.set_weights(weights)
    return network


def _rounded(x: Any, ends: tuple[float, float] | None) -> Any:
    import keras

    return x if ends is None else keras.quantizers.fake_quant_with_min_max_vars(x, *ends)


def _with_normalisation(layer: Any, norm: Any) -> list[NDArray[np.float32]]:
    """Return kernel and bias of a layer that does what it does with a normalisation behind it."""
    kernel, *bias = layer.get_weights()
    scale = 1 / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    scale *= norm.gamma.numpy() if norm.scale else 1
    offset = norm.beta.numpy() if norm.center else 0
    of_filters = scale[:, None] if type(layer).__name__ == "DepthwiseConv2D" else scale
    shift = (sum(bias) - norm.moving_mean.numpy()) * scale + offset
    return [kernel * of_filters, shift]
