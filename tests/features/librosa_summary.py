"""The summary features by librosa's own functions alone."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

RATE, HOP = 22050, 512
Array = NDArray[Any]


def summary(samples: NDArray[np.float32]) -> list[float]:
    """Return the 57 values in the order of the table."""
    # They compile for a second, which no process pays that needs none of this.
    from librosa.effects import hpss
    from librosa.onset import onset_strength

    feature, pad = librosa.feature, {"pad_mode": "reflect"}
    given: dict[str, Any] = {"y": samples, "sr": RATE, **pad}
    curves = [
        feature.chroma_stft(**given),
        feature.rms(y=samples, **pad),
        feature.spectral_centroid(**given),
        feature.spectral_bandwidth(**given),
        feature.spectral_rolloff(**given),
        feature.zero_crossing_rate(samples),
    ]
    for wave in hpss(samples, **pad):
        # What is behind the centre of the last frame was 0 in older versions.
        wave[len(samples) // HOP * HOP :] = 0
        curves.append(wave)
    onsets = onset_strength(**given, aggregate=np.median)
    tempo = float(feature.tempo(onset_envelope=onsets, sr=RATE)[0]) if onsets.any() else 0.0
    coefficients = feature.mfcc(**given, n_mfcc=20)
    return [*moments(curves), tempo, *moments(list(coefficients))]


def moments(curves: list[Any]) -> list[float]:
    """Return mean and variance of each curve."""
    return [float(moment) for curve in curves for moment in (np.mean(curve), np.var(curve))]


def replace_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put plain formulas where librosa has generalised functions compiled by numba.

    These crash wherever two processes, such as two of pytest's workers, once filled numba's cache
    together (numba issue 10128).
    """
    monkeypatch.setattr(librosa.util.utils, "_localmax", local_maxima)
    monkeypatch.setattr(librosa.core.pitch, "_pi_wrapper", parabolic_shifts)
    monkeypatch.setattr(librosa.core.audio, "_zc_wrapper", sign_changes)


def local_maxima(x: Array, out: Array) -> None:
    """Mark values above the one before and not below the one behind, along the last axis."""
    out[...] = False
    out[..., 1:-1] = (x[..., 1:-1] > x[..., :-2]) & (x[..., 1:-1] >= x[..., 2:])


def parabolic_shifts(x: Array, out: Array) -> None:
    """Place the top of a parabola through three neighbours, 0 where it is not between them."""
    bend = x[..., 2:] + x[..., :-2] - 2.0 * x[..., 1:-1].astype(np.float64)
    slope = (x[..., 2:] - x[..., :-2]) / 2
    inside = np.abs(slope) < np.abs(bend)
    out[...] = 0
    out[..., 1:-1] = np.where(inside, -slope / np.where(inside, bend, 1), 0)


def sign_changes(x: Array, threshold: float, zero_pos: bool, out: Array) -> None:
    """Mark values whose sign differs from that of the one before; 0 counts as positive."""
    assert zero_pos
    negative = x < -threshold
    out[...] = False
    out[..., 1:] = negative[..., 1:] != negative[..., :-1]
