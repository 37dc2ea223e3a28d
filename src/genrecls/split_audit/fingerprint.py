"""Landmark fingerprints: a recording is known again after it was copied, cut or encoded anew.

The loudest points of the spectrogram survive all that. Two of them, by their frequencies and the
time between them, make a landmark; copies share many, all at one distance in time (A. Wang, "An
industrial-strength audio search algorithm", ISMIR 2003). Copies at another speed or pitch do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.features.base import Samples

RATE = 22_050
"""Samples a second that a fingerprint is made of."""
HOP = 512
"""Samples from one frame to the next; the unit of time of a landmark."""

_N_FFT = 2048
# Bins of 10.8 Hz. Above 5 kHz is what low bit rates and low sample rates take away first.
_LOWEST, _HIGHEST = 10, 474
# A peak is the loudest point among so many frames and bins around it.
_AROUND = (25, 31)
_PEAKS_A_SECOND = 10
_FOLLOWERS = 5
_NEAREST, _FARTHEST, _WIDEST = 2, 63, 128
_DEPTH = 1e-8


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """The landmarks of one recording.

    Attributes:
        hashes: two frequencies and the time between them, shape (landmarks,).
        times: frame in which each begins, shape (landmarks,).
    """

    hashes: NDArray[np.uint32]
    times: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.hashes)


def fingerprint(samples: Samples) -> Fingerprint:
    """Return the landmarks of mono samples at `RATE`; shorter than a frame gives none."""
    from scipy.fft import rfft
    from scipy.ndimage import maximum_filter
    from scipy.signal.windows import hann

    if len(samples) < _N_FFT:
        return Fingerprint(np.empty(0, np.uint32), np.empty(0, np.uint32))
    # Power of the bins in question, shape (frames, bins).
    windows = np.lib.stride_tricks.sliding_window_view(samples, _N_FFT)[::HOP]
    spectrum = rfft(windows * hann(_N_FFT, sym=False).astype(np.float32))[:, _LOWEST:_HIGHEST]
    power: NDArray[np.float32] = spectrum.real**2 + spectrum.imag**2

    # The loudest peaks of every second, in order of time. Silence, also that between two tones, is
    # one plateau of peaks, and is left out.
    audible = power > _DEPTH * power.max()
    frames, bins = np.nonzero((power == maximum_filter(power, _AROUND)) & audible)
    seconds = frames * HOP // RATE
    order = np.lexsort((-power[frames, bins], seconds))
    _, starts = np.unique(seconds, return_index=True)
    rank = np.empty(len(frames), np.int64)
    rank[order] = np.arange(len(frames)) - starts[np.unique(seconds, return_inverse=True)[1][order]]
    loud = rank < _PEAKS_A_SECOND
    frames, bins = frames[loud], bins[loud]

    # Each peak with those that follow it in its neighbourhood.
    hashes, times = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for distance in range(1, min(_FOLLOWERS, len(frames) - 1) + 1):
        later = frames[distance:] - frames[:-distance]
        higher = bins[distance:] - bins[:-distance] + _WIDEST
        near = (later >= _NEAREST) & (later <= _FARTHEST) & (higher >= 0) & (higher < 2 * _WIDEST)
        first = bins[:-distance][near]
        hashes.append(first << 14 | higher[near] << 6 | later[near])
        times.append(frames[:-distance][near])
    return Fingerprint(
        np.concatenate(hashes).astype(np.uint32), np.concatenate(times).astype(np.uint32)
    )
