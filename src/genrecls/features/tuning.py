"""How far music is tuned from A = 440 Hz, as librosa estimates it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LOWEST, _HIGHEST = 150, 4000
_AUDIBLE = 0.1


def tuning(power: NDArray[np.float32], sample_rate: int) -> float:
    """Return the deviation from equal temperament as a part of a semitone, -0.5 to 0.5.

    This is `librosa.estimate_tuning(S=power, sr=sample_rate)`: the most frequent deviation among
    the louder half of all spectral peaks, placed between bins by a parabola. librosa's own function
    is not used for two reasons: it warns where nothing has a pitch, and its compiled peak picker
    crashes for good where two processes once filled numba's cache together (numba issue 10128).

    Args:
        power: power spectrogram, shape (bins, frames).
        sample_rate: in Hz.
    """
    from librosa import pitch_tuning

    peaks = _peaks(power, sample_rate)
    below, here, above = (power[peaks[0] + step, peaks[1]] for step in (-1, 0, 1))
    slope = (above - below) / 2
    bend = (above + below) - 2.0 * here.astype(np.float64)
    inside = np.abs(slope) < np.abs(bend)
    shift = np.divide(-slope, bend, out=np.zeros_like(bend), where=inside).astype(np.float32)
    pitches = (peaks[0] + shift) * sample_rate / (2 * (len(power) - 1))
    heights = here + 0.5 * slope * shift
    if not len(pitches):
        return 0.0
    return float(pitch_tuning(pitches.astype(np.float32)[heights >= np.median(heights)]))


def _peaks(power: NDArray[np.float32], sample_rate: int) -> tuple[NDArray[np.intp], ...]:
    """Return bins and frames of local maxima that are loud enough for their frame."""
    frequencies = np.arange(len(power)) * sample_rate / (2 * (len(power) - 1))
    wanted = (frequencies >= _LOWEST) & (frequencies < min(_HIGHEST, sample_rate / 2))
    loud = np.where(power > _AUDIBLE * power.max(axis=0), power, 0)
    found = np.zeros(power.shape, bool)
    found[1:-1] = (loud[1:-1] > loud[:-2]) & (loud[1:-1] >= loud[2:])
    return np.nonzero(found & wanted[:, None])
