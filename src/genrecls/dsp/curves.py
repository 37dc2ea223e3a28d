"""What curves do over time, each in a few numbers: timbre, modulation and onsets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Curves = NDArray[np.floating[Any]]
"""Shape (frames, curves)."""

INAUDIBLE = 1e-10
"""Power below which there is nothing to hear."""


def timbre(mfcc: Curves) -> Curves:
    """Return mean and deviation of MFCC, and deviations of their first and second differences."""
    change = _change(mfcc)
    return np.concatenate(
        [mfcc.mean(axis=0), mfcc.std(axis=0), change.std(axis=0), _change(change).std(axis=0)]
    )


def modulation(bands: Curves, rate: float, edges: Sequence[float]) -> Curves:
    """Return the power in dB with which bands swell at the rates between `edges`, one by one.

    Args:
        bands: in dB.
        rate: frames a second.
        edges: in Hz.
    """
    swell = (bands - bands.mean(axis=0)) * np.hanning(len(bands) + 2)[1:-1, None]
    power = np.square(np.abs(np.fft.rfft(swell, axis=0))) / len(bands)
    places = np.digitize(np.fft.rfftfreq(len(bands), 1 / rate), edges)
    sums = [power[places == place].sum(axis=0) for place in range(1, len(edges))]
    return np.asarray(10 * np.log10(np.maximum(np.concatenate(sums), INAUDIBLE)))


def onsets(bands: Curves, rate: float, tempi: Sequence[float]) -> Curves:
    """Return statistics of the onset strength, and how much it repeats at the periods of `tempi`.

    Args:
        bands: in dB.
        rate: frames a second.
        tempi: in beats a minute.
    """
    strength = np.maximum(_change(bands), 0).mean(axis=1)
    moments = [strength.mean(), strength.std(), *np.percentile(strength, (50, 95))]
    centred = strength - strength.mean()
    spectrum = np.fft.rfft(centred, 2 * len(centred))
    repetition = np.fft.irfft(np.square(np.abs(spectrum)))[: len(centred)]
    lags = np.rint(60 * rate / np.asarray(tempi)).astype(np.int64)
    inside = lags < len(centred)
    values = np.where(inside, repetition[np.where(inside, lags, 0)], 0.0)
    return np.concatenate([moments, values / max(repetition[0], INAUDIBLE)])


def _change(curves: Curves) -> Curves:
    """Return the difference of each frame to the one before; that of the first frame is 0."""
    return np.asarray(np.diff(curves, axis=0, prepend=curves[:1]))
