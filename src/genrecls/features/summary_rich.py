"""`summary_rich`: 388 numbers a segment for timbre and rhythm, from log-mel bands alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from genrecls.features.base import FEATURES, AudioFeature, Inputs, Samples
from genrecls.features.mel import scipy_rfft

if TYPE_CHECKING:
    from genrecls.dsp.curves import Curves
    from genrecls.dsp.mel import MelFrontEnd

N_MELS, N_BANDS, N_MFCC = 96, 24, 20
PERCENTILES = (5, 25, 50, 75, 95)
OCTAVES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Edges in Hz of the ranges of modulation: from slow swells to fast tremolo."""
TEMPI = (40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 160, 180, 200, 240)
"""Beats a minute at which onsets are looked for."""

_TOP_DB = 80.0


def _numbered(curve: str, count: int, *moments: str) -> tuple[str, ...]:
    return tuple(f"{curve}{n}_{moment}" for moment in moments for n in range(1, count + 1))


COLUMNS = (
    *_numbered("mfcc", N_MFCC, "mean", "deviation", "change", "second_change"),
    *_numbered("band", N_BANDS, *(f"percentile{p}" for p in PERCENTILES), "deviation"),
    *_numbered("band", N_BANDS, *(f"modulation_{low:g}_hz" for low in OCTAVES[:-1])),
    *(f"onset_{moment}" for moment in ("mean", "deviation", "percentile50", "percentile95")),
    *(f"onset_{tempo}_bpm" for tempo in TEMPI),
)
"""Names of the values, in their order."""


@FEATURES.register("summary_rich")
@dataclass(frozen=True)
class SummaryRich(AudioFeature):
    """Statistics of MFCC and bands over time, their modulation, and onsets.

    One input `summary_rich`, shape (segments, 388): mean and deviation of MFCC and the deviation of
    their differences, percentiles and deviation of bands, modulation spectrum (M. McKinney and
    J. Breebaart, "Features for audio and music classification", 2003), and the autocorrelation of
    the onset strength at the periods of usual tempi. Covariances of MFCC were tried and left out:
    docs/how_to/classical.md.

    Attributes:
        n_fft: samples of a frame; even.
    """

    n_fft: Annotated[int, Field(ge=16, multiple_of=2)]

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy")

    def __post_init__(self) -> None:
        from genrecls.dsp.mel_checks import check_front_end

        check_front_end(self._settings)

    @property
    def names(self) -> tuple[str, ...]:
        """What each of the values is."""
        return COLUMNS

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of `summary_rich`, which does not depend on the segment's length."""
        return {"summary_rich": (len(COLUMNS) if n_samples else 0,)}

    def values(self, n_samples: int) -> int:
        """Return how many numbers the bands of a segment have."""
        return max(n_samples, self._front_end.values(n_samples))

    def transform(self, segments: Samples) -> Inputs:
        """Return the values of each segment."""
        import numpy as np

        rows = np.zeros(
            (len(segments), *self.shapes(segments.shape[1])["summary_rich"]), np.float32
        )
        if rows.size:
            decibels = self._front_end.bands(segments)
            rows[:] = [self._row(bands.astype(np.float64)) for bands in decibels]
        return {"summary_rich": rows}

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the two axes."""
        return ("segment", "feature")

    @property
    def _settings(self) -> dict[str, Any]:
        from genrecls.dsp.curves import INAUDIBLE

        return {
            "sample_rate": self.sample_rate,
            "hop_length": self.hop_length,
            "n_fft": self.n_fft,
            "window": "hann",
            "center": True,
            "power": 2,
            "n_mels": N_MELS,
            "fmin": 0.0,
            "fmax": None,
            "mel_scale": "slaney",
            "mel_norm": "slaney",
            "ref": 1.0,
            "amin": INAUDIBLE,
            "top_db": _TOP_DB,
        }

    @cached_property
    def _front_end(self) -> MelFrontEnd:
        from genrecls.dsp.mel import Kernels, MelFrontEnd

        return MelFrontEnd.of(self._settings, kernels=Kernels(rfft=scipy_rfft))

    def _row(self, decibels: Curves) -> Curves:
        """Return the values of one segment, in the order of `COLUMNS`."""
        import numpy as np

        from genrecls.dsp.curves import modulation, onsets, timbre
        from genrecls.dsp.mel import cosine_coefficients

        rate = self.sample_rate / self.hop_length
        bands = decibels.reshape(len(decibels), N_BANDS, -1).mean(axis=2)
        return np.concatenate(
            [
                timbre(cosine_coefficients(decibels, N_MFCC, 0.0)),
                np.percentile(bands, PERCENTILES, axis=0).ravel(),
                bands.std(axis=0),
                modulation(bands, rate, OCTAVES),
                onsets(bands, rate, TEMPI),
            ]
        )
