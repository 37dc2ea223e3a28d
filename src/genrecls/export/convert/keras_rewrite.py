"""The network in a form that TensorFlow Lite's converter can take: one segment, float32, few loops.

A batch of unknown size makes it fail on recurrent layers, and so do half-precision computations;
its calibration for int8 crashes on every loop. So an LSTM becomes one operator
(`genrecls.export.convert.fused_lstm`), and for int8 the loop of any other recurrent layer is
written out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genrecls.export.convert.fused_lstm import fuse

if TYPE_CHECKING:
    import keras

# G. Klambauer et al., "Self-normalizing neural networks", 2017.
_SELU_SCALE = 1.0507009873554805
_SELU_ALPHA = 1.6732632423543772


def rewrite(model: keras.Model, *, unroll: bool = False, normalise: bool = True) -> keras.Model:
    """Return the same network with the same weights for a single segment.

    Args:
        model: as it was trained.
        unroll: whether loops that cannot be one operator are written out step by step.
        normalise: whether the network normalises its inputs, or takes them normalised.
    """
    import keras

    inputs = set() if normalise else {id(source) for source in dict(model.input).values()}

    def left_out(layer: Any) -> bool:
        # Statistics of a picture, which classical models are made of, are scaled inside.
        return isinstance(layer, keras.layers.Normalization) and id(layer.input) in inputs

    def rewrite_layer(layer: Any) -> Any:
        if not isinstance(layer, keras.layers.Layer):
            # An operation such as a mean over time has no weights and no type of its own.
            return type(layer).from_config(layer.get_config())
        if left_out(layer):
            return keras.layers.Identity(name=layer.name)
        if recurrent_kind(layer) == "LSTM":
            return fuse(layer)
        copy = type(layer).from_config(_plain(layer.get_config(), unroll=unroll))
        if getattr(getattr(layer, "activation", None), "__name__", None) == "selu":
            copy.activation = _selu
        return copy

    sources = {
        name: keras.Input(batch_shape=(1, *source.shape[1:]), name=name)
        for name, source in dict(model.input).items()
    }
    network = keras.models.clone_model(model, input_tensors=sources, clone_function=rewrite_layer)
    kept = [layer for layer in model.layers if not left_out(layer)]
    network.set_weights([weight for layer in kept for weight in layer.get_weights()])
    return network


def loops(model: keras.Model) -> list[Any]:
    """Return the recurrent layers that have no operator of their own."""
    return [layer for layer in model.layers if recurrent_kind(layer) in {"GRU", "SimpleRNN"}]


def recurrent_kind(layer: Any) -> str:
    """Return the class of a layer, or of the layer that it reads both ways with."""
    return type(getattr(layer, "forward_layer", layer)).__name__


def _selu(x: Any) -> Any:
    """Return what Keras' SELU does, in terms that survive int8.

    The converter would take the exponential of positive values too and throw it away, but its size
    decides how coarse the steps of the negative ones are.
    """
    from keras import ops

    return _SELU_SCALE * (_SELU_ALPHA * ops.elu(x) + (1 - _SELU_ALPHA) * ops.relu(x))


def _plain(config: dict[str, Any], *, unroll: bool) -> dict[str, Any]:
    """Return a layer's configuration with float32 and, if asked for, loops written out."""
    changed = {
        key: {**value, "config": _plain(value["config"], unroll=unroll)}
        if key in {"layer", "backward_layer"}
        else value
        for key, value in config.items()
    }
    changed["dtype"] = "float32"
    if "unroll" in changed:
        changed["unroll"] = unroll
    return changed
