"""The spectrum of real frames by matrix products, which every device has kernels for.

TensorFlow Lite's own transform computes one frame after the other in double precision, and
TensorFlow Lite Micro has none. Two products with small matrices and a twist between them do the
same (the four-step transform: D. Bailey, "FFTs in external or hierarchical memory", 1990): a frame
of n = rows * columns samples is written row by row; its columns are transformed, every value is
turned by its place, and the rows are transformed. That takes half the time of the own transform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FourStep:
    """How frames are taken apart.

    Attributes:
        rows, columns: their product is the length of a frame.
    """

    rows: int
    columns: int

    @property
    def kept(self) -> int:
        """Results of a column that are computed; those of real samples mirror each other."""
        return self.rows // 2 + 1

    @property
    def products(self) -> int:
        """Multiply-accumulates a frame."""
        first = self.columns * self.rows * 2 * self.kept
        return first + self.kept * (2 * self.columns) ** 2

    def power(self, frames: Any) -> Any:
        """Return squared magnitudes of bins 0 to n / 2.

        Args:
            frames: shape (frames, rows * columns).
        """
        import tensorflow as tf

        count, kept, columns = frames.shape[0], self.kept, self.columns
        length = self.rows * columns

        # Transform the columns: real parts of all kept results, then their imaginary parts.
        roots = _roots(self.rows, kept, self.rows)
        first = np.concatenate([roots.real, roots.imag], axis=1).astype(np.float32)
        samples = tf.transpose(tf.reshape(frames, (count, self.rows, columns)), [0, 2, 1])
        parts = tf.reshape(tf.reshape(samples, (-1, self.rows)) @ first, (count, columns, 2 * kept))
        real, imaginary = parts[..., :kept], parts[..., kept:]

        # Turn each value by its place; real parts are above imaginary ones from here on.
        turn = _roots(columns, kept, length)
        cosine, sine = turn.real.astype("f"), turn.imag.astype("f")
        turned = real * cosine - imaginary * sine, real * sine + imaginary * cosine
        both = tf.transpose(tf.concat(turned, axis=1), [0, 2, 1])

        # Transform the rows, complex values as pairs of real ones.
        roots = _roots(columns, columns, columns)
        second = np.block([[roots.real, roots.imag], [-roots.imag, roots.real]]).astype(np.float32)
        squares = tf.square(tf.reshape(both, (count * kept, 2 * columns)) @ second)
        power = tf.reshape(squares[:, :columns] + squares[:, columns:], (count, kept * columns))

        # Where each bin is: what was not computed is at its mirror image.
        bins = np.arange(length // 2 + 1)
        mirrored = np.where(bins % self.rows < kept, bins, length - bins)
        places = (mirrored % self.rows) * columns + mirrored // self.rows
        return tf.gather(power, np.asarray(places, np.int32), axis=1)


def four_step(length: int) -> FourStep:
    """Return the cheapest way to take frames of `length` samples apart."""
    divisors = [rows for rows in range(1, length + 1) if length % rows == 0]
    return min((FourStep(rows, length // rows) for rows in divisors), key=lambda way: way.products)


def _roots(rows: int, columns: int, order: int) -> NDArray[np.complex128]:
    """Return the roots of unity of an order with the powers row * column, (rows, columns)."""
    powers = np.outer(np.arange(rows), np.arange(columns))
    return np.asarray(np.exp(-2j * np.pi * (powers % order) / order))
