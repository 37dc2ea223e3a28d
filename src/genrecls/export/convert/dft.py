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

Matrix = NDArray[np.float32]


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

        count, kept = frames.shape[0], self.kept
        columns = tf.transpose(tf.reshape(frames, (count, self.rows, self.columns)), [0, 2, 1])
        turned = self._turned(tf.reshape(columns, (-1, self.rows)) @ self._first, count)
        both = tf.reshape(tf.transpose(turned, [0, 2, 1]), (count * kept, 2 * self.columns))
        squares = tf.square(both @ self._second)
        power = squares[:, : self.columns] + squares[:, self.columns :]
        return tf.gather(tf.reshape(power, (count, kept * self.columns)), self._places, axis=1)

    def _turned(self, columns: Any, count: int) -> Any:
        """Return real above imaginary parts, (frames, 2 * columns, kept), each value turned."""
        import tensorflow as tf

        parts = tf.reshape(columns, (count, self.columns, 2 * self.kept))
        real, imaginary = parts[..., : self.kept], parts[..., self.kept :]
        turn = _roots(np.outer(np.arange(self.columns), np.arange(self.kept)), self._length)
        cosine, sine = turn.real.astype("f"), turn.imag.astype("f")
        turned = real * cosine - imaginary * sine, real * sine + imaginary * cosine
        return tf.concat(turned, axis=1)

    @property
    def _length(self) -> int:
        return self.rows * self.columns

    @property
    def _first(self) -> Matrix:
        """Transform of a real column: (rows, 2 * kept), real parts and then imaginary ones."""
        roots = _roots(np.outer(np.arange(self.rows), np.arange(self.kept)), self.rows)
        return np.concatenate([roots.real, roots.imag], axis=1).astype(np.float32)

    @property
    def _second(self) -> Matrix:
        """Transform of a complex row, (2 * columns, 2 * columns), parts as in `_first`."""
        roots = _roots(np.outer(np.arange(self.columns), np.arange(self.columns)), self.columns)
        blocks = [[roots.real, roots.imag], [-roots.imag, roots.real]]
        return np.block(blocks).astype(np.float32)

    @property
    def _places(self) -> NDArray[np.int32]:
        """Where each bin of 0 to n / 2 is: what was not computed is at its mirror image."""
        bins = np.arange(self._length // 2 + 1)
        mirrored = np.where(bins % self.rows < self.kept, bins, self._length - bins)
        places = (mirrored % self.rows) * self.columns + mirrored // self.rows
        return np.asarray(places, np.int32)


def four_step(length: int) -> FourStep:
    """Return the cheapest way to take frames of `length` samples apart."""
    divisors = [rows for rows in range(1, length + 1) if length % rows == 0]
    return min((FourStep(rows, length // rows) for rows in divisors), key=lambda way: way.products)


def _roots(powers: NDArray[np.int64], order: int) -> NDArray[np.complex128]:
    return np.asarray(np.exp(-2j * np.pi * (powers % order) / order))
