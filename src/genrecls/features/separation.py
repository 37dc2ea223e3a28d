"""Harmonic and percussive parts of a spectrum, equal to librosa's, several times as fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.complex64]
Magnitude = NDArray[np.float32]

KERNEL = 31


def separated(spectrum: Spectrum) -> tuple[Spectrum, Spectrum]:
    """Return the harmonic and the percussive part of `spectrum`, shape (bins, frames).

    This is `librosa.decompose.hpss(spectrum)` (Fitzgerald 2010): medians along time keep tones,
    medians along frequency keep clicks, and a soft mask shares each value out between them.
    """
    import librosa

    magnitude, phase = librosa.magphase(spectrum)
    tones, clicks = _medians(magnitude), _medians(magnitude.T).T
    masks = (
        librosa.util.softmask(tones, clicks, power=2.0, split_zeros=True),
        librosa.util.softmask(clicks, tones, power=2.0, split_zeros=True),
    )
    harmonic, percussive = ((magnitude * mask) * phase for mask in masks)
    return harmonic, percussive


def _medians(rows: Magnitude) -> Magnitude:
    """Return the running median of each row, mirrored beyond its ends.

    SciPy has a fast algorithm for a single row only, so all rows are made one, with margins.
    """
    from scipy.ndimage import median_filter

    margin = KERNEL // 2
    padded = np.pad(rows, ((0, 0), (margin, margin)), mode="symmetric")
    medians: Magnitude = median_filter(padded.ravel(), size=KERNEL).reshape(padded.shape)
    return medians[:, margin:-margin]
