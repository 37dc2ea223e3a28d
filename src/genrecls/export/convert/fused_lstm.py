"""An LSTM layer that TensorFlow Lite's converter recognises as one operator.

Keras 3 no longer marks its LSTM for the converter, which then writes a loop that is larger, slower
and cannot be quantised. The converter still looks for the mark of Keras 2: a function with the
attribute `api_implements='lstm_...'`, six tensors in and five out
(`tensorflow/compiler/mlir/lite/utils/lstm_utils.cc`). Its arithmetic is that of Keras' cell:

    S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997, with the
    forget gate of F. A. Gers et al., 2000.
"""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any


def fuse(layer: Any) -> Any:
    """Return the fused form of an LSTM of Keras, or of both in a bidirectional layer.

    It computes the same for one segment; its weights are still to be set, in the order of Keras.
    """
    one_way, both_ways = _layer_classes()
    return both_ways(layer) if hasattr(layer, "forward_layer") else one_way(layer)


@cache
def _layer_classes() -> tuple[Any, Any]:
    """Return the two classes of layers, which need Keras to be defined at all."""
    import keras
    import tensorflow as tf

    class FusedLstm(keras.layers.Layer):  # type: ignore[misc]
        """What `keras.layers.LSTM` computes for one segment.

        The sequence that comes out is in the order of reading, as that of Keras.
        """

        def __init__(self, layer: Any) -> None:
            super().__init__(name=layer.name)
            self.units, self.sequences = layer.units, layer.return_sequences
            self._function = _marked_function(backwards=layer.go_backwards)

        def build(self, shape: tuple[int, ...]) -> None:
            width, units = 4 * self.units, self.units
            self.kernel = self.add_weight(shape=(shape[-1], width), name="kernel")
            self.recurrent_kernel = self.add_weight(shape=(units, width), name="recurrent_kernel")
            self.bias = self.add_weight(shape=(width,), name="bias")

        def call(self, x: Any, **_replayed: Any) -> Any:
            zeros = tf.zeros((1, self.units))
            # With variables instead of tensors the converter recognises nothing and crashes later.
            variables = self.kernel, self.recurrent_kernel, self.bias
            weights = [tf.convert_to_tensor(variable) for variable in variables]
            last, sequence, *_ = self._function(x, zeros, zeros, *weights)
            return sequence if self.sequences else last

        def compute_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
            return (*shape[:2], self.units) if self.sequences else (shape[0], self.units)

    class FusedBidirectional(keras.layers.Layer):  # type: ignore[misc]
        """Two of them, one a direction, concatenated as by `keras.layers.Bidirectional`."""

        def __init__(self, layer: Any) -> None:
            super().__init__(name=layer.name)
            self.forward = FusedLstm(layer.forward_layer)
            self.backward = FusedLstm(layer.backward_layer)

        def build(self, shape: tuple[int, ...]) -> None:
            self.forward.build(shape)
            self.backward.build(shape)

        def call(self, x: Any, **_replayed: Any) -> Any:
            there, back = self.forward(x), self.backward(x)
            if self.backward.sequences:
                back = tf.reverse(back, [1])
            return tf.concat([there, back], axis=-1)

        def compute_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
            *axes, width = self.forward.compute_output_shape(shape)
            return (*axes, 2 * width)

    return FusedLstm, FusedBidirectional


def _marked_function(*, backwards: bool) -> Any:
    """Return the marked function: frames, two states and three weights in; five tensors out."""
    import tensorflow as tf

    attributes = {
        "api_implements": f"lstm_{uuid.uuid4()}",
        "api_preferred_device": "CPU",
        "time_major": False,
        "go_backwards": backwards,
    }

    @tf.function(autograph=False, experimental_attributes=attributes)  # type: ignore[untyped-decorator]
    def lstm(x: Any, h: Any, c: Any, kernel: Any, recurrent: Any, bias: Any) -> tuple[Any, ...]:
        x = tf.transpose(x, [1, 0, 2])
        x = tf.reverse(x, [0]) if backwards else x

        def step(t: Any, h: Any, c: Any, states: Any) -> tuple[Any, ...]:
            gates = tf.matmul(x[t], kernel) + tf.matmul(h, recurrent) + bias
            enter, forget, new, out = tf.split(gates, 4, 1)
            c = tf.sigmoid(forget) * c + tf.sigmoid(enter) * tf.tanh(new)
            h = tf.sigmoid(out) * tf.tanh(c)
            return t + 1, h, c, states.write(t, h)

        frames = x.shape[0]
        states = tf.TensorArray(tf.float32, frames, element_shape=h.shape)
        _, h, c, states = tf.while_loop(lambda t, *_: t < frames, step, (0, h, c, states))
        return h, tf.transpose(states.stack(), [1, 0, 2]), h, c, tf.constant(1.0)

    return lstm
