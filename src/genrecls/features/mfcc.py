"""`mfcc`: mel-frequency cepstral coefficients, equal to librosa's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, PositiveInt

from genrecls.features.base import FEATURES, Inputs, Samples
from genrecls.features.mel import MelSettings


@FEATURES.register("mfcc")
@dataclass(frozen=True)
class Mfcc(MelSettings):
    """Cosine transform of the log-mel bands: one input `mfcc`, (segments, frames, n_mfcc).

    Attributes:
        n_mfcc: coefficients that are kept, the first one (loudness) included.
        lifter: weight coefficient n (from 1) by 1 + lifter / 2 * sin(pi n / lifter); 0 is off.
    """

    n_mfcc: PositiveInt
    lifter: NonNegativeFloat

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_mfcc > self.n_mels:
            raise ValueError(
                f"n_mfcc: received {self.n_mfcc}; allowed: at most n_mels ({self.n_mels})"
            )

    @property
    def basis(self) -> NDArray[np.float32]:
        """Matrix from bands in dB to coefficients, shape (n_mels, n_mfcc), lifter included.

        For graphs that know no cosine transform; `transform` is a little more exact.
        """
        return self._coefficients(np.eye(self.n_mels)).astype(np.float32)

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of `mfcc` for a segment of `n_samples` samples."""
        return {"mfcc": (self.frames(n_samples), self.n_mfcc)}

    def transform(self, segments: Samples) -> Inputs:
        """Return the coefficients of each segment."""
        coefficients = self._coefficients(self.decibels(segments))
        return {"mfcc": np.ascontiguousarray(coefficients, np.float32)}

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the two axes."""
        return ("time", "coefficient")

    def _coefficients(self, bands: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the first coefficients of the orthonormal DCT-II along the last axis."""
        from scipy.fft import dct

        if not bands.size:
            return np.empty((*bands.shape[:-1], self.n_mfcc), bands.dtype)
        kept: NDArray[np.floating] = dct(bands, type=2, norm="ortho", axis=-1)[..., : self.n_mfcc]
        if not self.lifter:
            return kept
        order = np.arange(1, self.n_mfcc + 1)
        kept *= 1 + self.lifter / 2 * np.sin(np.pi * order / self.lifter)
        return kept
