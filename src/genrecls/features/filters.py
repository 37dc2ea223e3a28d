"""Filters of samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def butterworth(
    samples: NDArray[np.float32],
    rate: float,
    order: int,
    edge: float | tuple[float, float],
    kind: str,
) -> NDArray[np.float32]:
    """Return filtered samples of the same shape, of which the last axis is time.

    Args:
        samples: of any shape.
        rate: samples a second.
        order: 6 dB an octave each; of a band on either side.
        edge: frequency in Hz where 3 dB are lost, or the two of a band.
        kind: `lowpass`, `highpass` or `bandpass`.
    """
    import numpy as np
    from scipy import signal

    sections = signal.butter(order, edge, kind, fs=rate, output="sos")
    return np.asarray(signal.sosfilt(sections, samples), np.float32)
