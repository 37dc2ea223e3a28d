"""The front end of files that take audio: the features of training in built-in float operators.

Its arrays (window, mel filters, cosine basis, resize matrices) are those of `genrecls.dsp.mel`, and
so is the order of its steps; what is chosen here are operators that TensorFlow Lite has: no complex
product, no logarithm to the base of ten.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from genrecls.dsp.mel import PCEN_FLOOR, PCEN_SCALE, MelFrontEnd
from genrecls.errors import ExportError
from genrecls.export.convert.dft import four_step
from genrecls.features.base import FeatureSpec
from genrecls.features.mel import MelSettings
from genrecls.features.mel_image import MelImage, colour_table
from genrecls.models.base import Normalisation


def front_end(
    spec: FeatureSpec, length: int, *, padded: bool, statistics: Normalisation | None = None
) -> bytes:
    """Return a TensorFlow Lite file: `audio` (1, length) in, the input of the network out.

    Args:
        spec: what the network was trained on.
        length: samples of a segment.
        padded: whether the graph itself adds the zeros of `center` at both ends; otherwise they
            are part of the `length` samples.
        statistics: of the normalisation to end with; None leaves it to the network.

    Raises:
        ExportError: there is no such graph for these features.
    """
    if not isinstance(spec, MelSettings):
        raise ExportError(f"features={spec.name} cannot be computed inside a graph")
    import tensorflow as tf

    from genrecls.export.tflite.converter_fixes import clean

    front = spec.front_end
    colours = colour_table(spec.colour) if isinstance(spec, MelImage) else None

    def graph(audio: Any) -> Any:
        values = _bands(audio, front, padded=padded)
        if front.n_mfcc is not None:
            values = values @ front.basis
        elif front.colour is not None:
            values = _picture(values, front, colours)
        values = values[None]
        if statistics is None:
            return values
        return (values - statistics.mean) * (1 / statistics.deviation)

    signature = [tf.TensorSpec((1, length), tf.float32, name="audio")]
    function = tf.function(graph, input_signature=signature, autograph=False)
    concrete = function.get_concrete_function()
    return clean(tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module()).convert())


def _bands(audio: Any, front: MelFrontEnd, *, padded: bool) -> Any:
    """Return what `MelFrontEnd.bands` makes of the only segment, shape (frames, n_mels)."""
    import tensorflow as tf

    if front.pre_emphasis:
        before = tf.pad(audio[:, :-1], [[0, 0], [1, 0]])
        audio = audio - np.float32(front.pre_emphasis) * before

    # Zeros at both ends, and as many more as the first frame needs.
    n_fft, hop = front.n_fft, front.hop_length
    margin = n_fft // 2 if padded and front.center else 0
    length = audio.shape[1] + 2 * margin
    samples = tf.pad(audio[0], [[margin, margin + max(0, n_fft - length)]])

    # Frames (frames, n_fft), gathered from the largest pieces that all of them are made of.
    frames = max(1, 1 + (length - n_fft) // hop)
    piece = math.gcd(n_fft, hop)
    needed = (frames - 1) * hop + n_fft
    pieces = tf.reshape(samples[:needed], (needed // piece, piece))
    starts = np.arange(frames, dtype=np.int32)[:, None] * (hop // piece)
    rows = starts + np.arange(n_fft // piece, dtype=np.int32)
    framed = tf.reshape(tf.gather(pieces, rows), (frames, n_fft))

    # Magnitudes or powers, and mel bands of them, some at a time: most filter entries are zero.
    spectrum = four_step(n_fft).power(framed * front.window_samples)
    if front.power == 1:
        spectrum = tf.sqrt(spectrum)
    bands = tf.concat(
        [spectrum[:, block.bins] @ block.weights for block in front.filter_blocks], axis=1
    )

    if front.compression == "log1p":
        return np.float32(1 / math.log(10)) * tf.math.log(1 + np.float32(front.log_gain) * bands)
    if front.compression == "pcen":
        # The running mean of each band, from the first frame on, as a product.
        scaled, share = bands * np.float32(PCEN_SCALE), front.smoothing
        ages = np.arange(frames)[:, None] - np.arange(frames)
        weights = np.where(ages >= 0, share * (1 - share) ** np.maximum(ages, 0), 0)
        weights[:, 0] /= share
        mean = tf.matmul(weights.astype(np.float32), scaled)
        scaled *= tf.exp(np.float32(-front.pcen_gain) * tf.math.log(mean + PCEN_FLOOR))
        root = np.float32(front.pcen_power) * tf.math.log(1 + scaled / np.float32(front.pcen_bias))
        return np.float32(front.pcen_bias**front.pcen_power) * (tf.exp(root) - 1)
    # 10 log10 of the bands, relative to `ref` and not below `top_db`.
    decibels = np.float32(10 / math.log(10)) * tf.math.log(tf.maximum(bands, front.amin))
    if front.ref == "max":
        decibels -= tf.reduce_max(decibels)
    elif front.ref != 1.0:
        decibels -= np.float32(10 * math.log10(max(front.amin, front.ref)))
    if front.top_db is not None:
        decibels = tf.maximum(decibels, tf.reduce_max(decibels) - np.float32(front.top_db))
    return decibels


def _picture(bands: Any, front: MelFrontEnd, colours: Any) -> Any:
    """Return the picture of bands in dB, shape (frames, bands[, 3]); silence is 0 everywhere.

    Args:
        bands: shape (frames, n_mels).
        front: the settings.
        colours: the colour map, shape (colours, 3); None where there is none.
    """
    import tensorflow as tf

    sound = tf.cast(tf.reduce_max(bands) > tf.reduce_min(bands), tf.float32)
    grey = sound * tf.clip_by_value(1 + bands / np.float32(front.top_db), 0, 1)
    if matrices := front.resize_matrices(bands.shape[0]):
        rows, columns = matrices
        grey = tf.matmul(rows, grey) @ columns.T
    if colours is not None:
        last = len(colours) - 1
        index = tf.minimum(tf.cast(grey * np.float32(len(colours)), tf.int32), last)
        return tf.gather(np.asarray(colours, np.float32), index)
    return grey if front.colour == "grey" else tf.repeat(grey[..., None], 3, axis=-1)
