"""The int8 file of a network that has learnt with the rounding of int8 files.

The converter takes the scales of all values from the operations that round, and leaves none of them
in the file. It must be given the graph itself, for it looks for them nowhere else.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras


def convert_rounded(model: keras.Model, examples: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Return the int8 file, as the converter writes it.

    Args:
        model: rewritten for one segment; it takes normalised inputs and ends in a dense layer with
            softmax, whose logits have no scale yet.
        examples: normalised, by input name; they give that scale.
    """
    import keras
    import tensorflow as tf

    last = model.layers[-1]
    before = keras.Model(model.input, last.input)
    kernel, *bias = last.get_weights()
    logits = [
        before({name: values[row : row + 1] for name, values in examples.items()}).numpy() @ kernel
        + sum(bias)
        for row in range(min(map(len, examples.values())))
    ]
    low, high = min(0.0, float(np.min(logits))), max(0.0, float(np.max(logits)))

    inputs = [tf.TensorSpec(x.shape, tf.float32, name=name) for name, x in model.input.items()]

    @tf.function(input_signature=inputs)  # type: ignore[untyped-decorator]
    def answer(*segment: Any) -> Any:
        x = before(dict(zip(model.input, segment, strict=True)), training=False)
        x = tf.matmul(x, kernel) + sum(bias)
        return tf.nn.softmax(tf.quantization.fake_quant_with_min_max_vars(x, low, high))

    converter = tf.lite.TFLiteConverter.from_concrete_functions([answer.get_concrete_function()])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with warnings.catch_warnings():
        # It asks for scales of the inputs, which these operations have.
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        return bytes(converter.convert())
