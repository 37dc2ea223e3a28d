"""The front end of files that take audio: the features of training in built-in float operators.

Every table (window, mel filters, cosine basis, scaling, colours) is taken from the specification
that training used, so there is one definition. The operators were chosen by what TensorFlow Lite
has: no complex product, no logarithm to the base of ten.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ExportError
from genrecls.export.convert.dft import four_step
from genrecls.features.base import FeatureSpec
from genrecls.features.mel import MelSettings
from genrecls.features.mel_image import Colour, MelImage, coloured, scaled
from genrecls.features.mfcc import Mfcc
from genrecls.models.base import Normalisation

Matrix = NDArray[np.float32]

_BANDS_PER_BLOCK = 16
_COLOURS = 256


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

    features = _graph(spec, length, padded=padded)

    def graph(audio: Any) -> Any:
        values = features(audio)
        if statistics is None:
            return values
        return (values - statistics.mean) * (1 / statistics.deviation)

    signature = [tf.TensorSpec((1, length), tf.float32, name="audio")]
    function = tf.function(graph, input_signature=signature, autograph=False)
    concrete = function.get_concrete_function()
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module()).convert()
    from genrecls.export.tflite.converter_fixes import cleaned

    return cleaned(content)


def _graph(spec: MelSettings, length: int, *, padded: bool) -> Callable[[Any], Any]:
    margin = spec.n_fft // 2 if padded and spec.center else 0
    frames = 1 + (length + 2 * margin - spec.n_fft) // spec.hop_length

    def features(audio: Any) -> Any:
        samples = _emphasised(audio, spec) if isinstance(spec, MelImage) else audio
        framed = _framed(_padded(samples, margin, spec.n_fft), spec, max(1, frames))
        bands = _decibels(_mel(_spectrum(framed * spec.taper, spec), spec.filters), spec)
        return _finished(bands, spec)[None]

    return features


def _emphasised(audio: Any, spec: MelImage) -> Any:
    import tensorflow as tf

    if not spec.pre_emphasis:
        return audio
    before = tf.pad(audio[:, :-1], [[0, 0], [1, 0]])
    return audio - np.float32(spec.pre_emphasis) * before


def _padded(audio: Any, margin: int, least: int) -> Any:
    """Return the samples of the only segment, shape (samples,), with zeros at both ends."""
    import tensorflow as tf

    missing = max(0, least - audio.shape[1] - 2 * margin)
    return tf.pad(audio[0], [[margin, margin + missing]])


def _framed(samples: Any, spec: MelSettings, frames: int) -> Any:
    """Return frames (frames, n_fft): rows of the largest pieces that all frames are made of."""
    import tensorflow as tf

    piece = math.gcd(spec.n_fft, spec.hop_length)
    needed = (frames - 1) * spec.hop_length + spec.n_fft
    pieces = tf.reshape(samples[:needed], (needed // piece, piece))
    starts = np.arange(frames, dtype=np.int32)[:, None] * (spec.hop_length // piece)
    rows = starts + np.arange(spec.n_fft // piece, dtype=np.int32)
    return tf.reshape(tf.gather(pieces, rows), (frames, spec.n_fft))


def _spectrum(frames: Any, spec: MelSettings) -> Any:
    """Return magnitudes or powers, shape (frames, 1 + n_fft // 2)."""
    import tensorflow as tf

    power = four_step(spec.n_fft).power(frames)
    return power if spec.power == 2 else tf.sqrt(power)


def _mel(spectrum: Any, filters: Matrix) -> Any:
    """Return mel bands (frames, n_mels), some at a time: most of the filters' entries are zero."""
    import tensorflow as tf

    bands = []
    for first in range(0, len(filters), _BANDS_PER_BLOCK):
        rows = filters[first : first + _BANDS_PER_BLOCK]
        used = np.flatnonzero(rows.any(axis=0))
        low, high = int(used[0]), int(used[-1]) + 1
        bands.append(spectrum[:, low:high] @ np.ascontiguousarray(rows[:, low:high].T))
    return tf.concat(bands, axis=1)


def _decibels(bands: Any, spec: MelSettings) -> Any:
    """Return 10 log10 of the bands, relative to `ref` and not below `top_db`."""
    import tensorflow as tf

    decibels = np.float32(10 / math.log(10)) * tf.math.log(tf.maximum(bands, spec.amin))
    if spec.ref == "max":
        decibels -= tf.reduce_max(decibels)
    elif spec.ref != 1.0:
        decibels -= np.float32(10 * math.log10(max(spec.amin, spec.ref)))
    if spec.top_db is not None:
        decibels = tf.maximum(decibels, tf.reduce_max(decibels) - np.float32(spec.top_db))
    return decibels


def _finished(bands: Any, spec: MelSettings) -> Any:
    if isinstance(spec, Mfcc):
        return bands @ spec.basis
    return _drawn(bands, spec) if isinstance(spec, MelImage) else bands


def _drawn(bands: Any, spec: MelImage) -> Any:
    """Return the picture, shape (frames, bands[, 3]); silence is 0 everywhere."""
    import tensorflow as tf

    heard = tf.cast(tf.reduce_max(bands) > tf.reduce_min(bands), tf.float32)
    grey = heard * tf.clip_by_value(1 + bands / np.float32(spec.top_db), 0, 1)
    if spec.size is not None:
        rows, columns = (
            _scaling(here, there) for here, there in zip(grey.shape, spec.size, strict=True)
        )
        grey = tf.matmul(rows, grey) @ columns.T
    return _coloured(grey, spec.colour)


def _scaling(here: int, there: int) -> Matrix:
    """Return the matrix (there, here) that Pillow's bilinear scaling multiplies columns with."""
    return scaled(np.eye(here, dtype=np.float32), (there, here))


def _coloured(grey: Any, colour: Colour) -> Any:
    import tensorflow as tf

    if colour == "grey":
        return grey
    if colour == "repeat":
        return tf.repeat(grey[..., None], 3, axis=-1)
    shades = np.asarray((np.arange(_COLOURS) + 0.5) / _COLOURS, np.float32)
    table = coloured(shades, colour)
    index = tf.minimum(tf.cast(grey * np.float32(_COLOURS), tf.int32), _COLOURS - 1)
    return tf.gather(table, index)
