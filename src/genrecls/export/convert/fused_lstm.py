"""An LSTM layer that TensorFlow Lite's converter recognises as one operator.

Keras 3 no longer marks its LSTM for the converter, which then writes a loop that is larger, slower
and cannot be quantised. The converter still looks for the mark of Keras 2: a function with the
attribute `api_implements='lstm_...'`, six tensors in and five out
(`tensorflow/compiler/mlir/lite/utils/lstm_utils.cc`). Its arithmetic is that of Keras' cell:

    S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997, with the
    forget gate of F. A. Gers et al., 2000.

The module needs Keras to be defined at all, so it is imported only where a model is converted.
"""

from __future__ import annotations

import uuid
from typing import Any

import keras
import tensorflow as tf


class FusedLstm(keras.layers.Layer):  # type: ignore[misc]
    """What `keras.layers.LSTM` computes for one segment; for export only.

    Attributes:
        units: width of the state.
        backwards: whether the frames are read from the last to the first; the sequence that comes
            out is in the order of reading, as that of Keras.
        sequences: whether the state after every frame comes out, or only the last one.
    """

    def __init__(self, units: int, *, backwards: bool, sequences: bool, name: str) -> None:
        super().__init__(name=name)
        self.units, self.backwards, self.sequences = units, backwards, sequences
        self._function = _marked(backwards=backwards)

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the three weights of Keras' layer, in its order."""
        width = 4 * self.units
        self.kernel = self.add_weight(shape=(shape[-1], width), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, width), name="recurrent_kernel")
        self.bias = self.add_weight(shape=(width,), name="bias")

    def call(self, x: Any, **_replayed: Any) -> Any:
        """Return (1, units), or (1, frames, units) where sequences are wanted."""
        zeros = tf.zeros((1, self.units))
        # With variables in place of tensors the converter recognises nothing, and crashes later.
        weights = [tf.convert_to_tensor(w) for w in (self.kernel, self.recurrent_kernel, self.bias)]
        last, sequence, *_ = self._function(x, zeros, zeros, *weights)
        return sequence if self.sequences else last

    def compute_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape that `call` gives."""
        return (*shape[:2], self.units) if self.sequences else (shape[0], self.units)


def fused(layer: Any) -> FusedLstm:
    """Return the fused form of a Keras LSTM, its weights still to be set."""
    return FusedLstm(
        layer.units,
        backwards=layer.go_backwards,
        sequences=layer.return_sequences,
        name=layer.name,
    )


class FusedBidirectional(keras.layers.Layer):  # type: ignore[misc]
    """Two fused LSTMs, one for each direction, concatenated as `keras.layers.Bidirectional` does.

    Attributes:
        forward, backward: the two layers.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__(name=layer.name)
        self.forward, self.backward = fused(layer.forward_layer), fused(layer.backward_layer)

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights of both, in the order of Keras."""
        self.forward.build(shape)
        self.backward.build(shape)

    def call(self, x: Any, **_replayed: Any) -> Any:
        """Return both directions side by side."""
        there, back = self.forward(x), self.backward(x)
        if self.backward.sequences:
            back = tf.reverse(back, [1])
        return tf.concat([there, back], axis=-1)

    def compute_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape that `call` gives."""
        *axes, width = self.forward.compute_output_shape(shape)
        return (*axes, 2 * width)


def _marked(*, backwards: bool) -> Any:
    """Return the marked function: frames, two states and three weights in; five tensors out."""
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
