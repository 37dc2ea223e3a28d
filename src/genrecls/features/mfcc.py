"""`mfcc`: mel-frequency cepstral coefficients, equal to librosa's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import NonNegativeFloat, PositiveInt

from genrecls.features.base import FEATURES, Inputs, Samples
from genrecls.features.mel import CompressedMel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genrecls.dsp.mel import Kernels


def scipy_coefficients(
    bands: NDArray[np.float32], n_coefficients: int, lifter: float
) -> NDArray[np.floating[Any]]:
    """Return the first coefficients of the orthonormal DCT-II along the last axis of bands.

    SciPy rounds a little less than a product with the cosine basis.
    """
    from scipy.fft import dct

    from genrecls.dsp.mel import lifter_weights

    kept: NDArray[np.floating[Any]] = dct(bands, type=2, norm="ortho", axis=-1)
    kept = kept[..., :n_coefficients]
    if lifter:
        kept *= lifter_weights(n_coefficients, lifter)
    return kept


@FEATURES.register("mfcc")
@dataclass(frozen=True)
class Mfcc(CompressedMel):
    """Cosine transform of the log-mel bands: one input `mfcc`, (segments, frames, n_mfcc).

    Attributes:
        n_mfcc: coefficients that are kept, the first one (loudness) included.
        lifter: weight coefficient n (from 1) by 1 + lifter / 2 * sin(pi n / lifter); 0 is off.
    """

    n_mfcc: PositiveInt
    lifter: NonNegativeFloat

    @property
    def kernels(self) -> Kernels:
        """The library functions that it is computed with."""
        return replace(super().kernels, coefficients=scipy_coefficients)

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of `mfcc` for a segment of `n_samples` samples."""
        return {"mfcc": self.front_end.shape(n_samples)}

    def transform(self, segments: Samples) -> Inputs:
        """Return the coefficients of each segment."""
        return {"mfcc": self.front_end.transform(segments)}

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the two axes."""
        return ("time", "coefficient")
