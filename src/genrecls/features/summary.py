"""`summary`: 57 numbers a segment, those of the Kaggle table of GTZAN, as librosa computes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from genrecls.dsp.mel_settings import check_filter_size, check_hop_length
from genrecls.features.base import FEATURES, AudioFeature, Inputs, Samples

if TYPE_CHECKING:
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
    import numpy as np
    from librosa import pitch_tuning

    # Local maxima that are loud enough for their frame.
    frequencies = np.arange(len(power)) * sample_rate / (2 * (len(power) - 1))
    wanted = (frequencies >= _LOWEST) & (frequencies < min(_HIGHEST, sample_rate / 2))
    loud = np.where(power > _AUDIBLE * power.max(axis=0), power, 0)
    maxima = np.zeros(power.shape, bool)
    maxima[1:-1] = (loud[1:-1] > loud[:-2]) & (loud[1:-1] >= loud[2:])
    bins, frames = np.nonzero(maxima & wanted[:, None])
    below, here, above = (power[bins + step, frames] for step in (-1, 0, 1))
    slope = (above - below) / 2
    bend = (above + below) - 2.0 * here.astype(np.float64)
    inside = np.abs(slope) < np.abs(bend)
    shift = np.divide(-slope, bend, out=np.zeros_like(bend), where=inside).astype(np.float32)
    pitches = (bins + shift) * sample_rate / (2 * (len(power) - 1))
    heights = here + 0.5 * slope * shift
    if not len(pitches):
        return 0.0
    return float(pitch_tuning(pitches.astype(np.float32)[heights >= np.median(heights)]))


Spectrum: TypeAlias = "NDArray[np.complex64]"
Magnitude: TypeAlias = "NDArray[np.float32]"

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
    import numpy as np
    from scipy.ndimage import median_filter

    margin = KERNEL // 2
    padded = np.pad(rows, ((0, 0), (margin, margin)), mode="symmetric")
    medians: Magnitude = median_filter(padded.ravel(), size=KERNEL).reshape(padded.shape)
    return medians[:, margin:-margin]


Curve: TypeAlias = "NDArray[np.floating]"

N_MELS = 128
N_MFCC = 20
FASTEST_BPM = 320

_PAD: Literal["reflect"] = "reflect"
_INAUDIBLE = 1e-10
_PAIRS = (
    "chroma_stft",
    "rms",
    "spectral_centroid",
    "spectral_bandwidth",
    "rolloff",
    "zero_crossing_rate",
    "harmony",
    "perceptr",
)
_COEFFICIENTS = tuple(f"mfcc{number}" for number in range(1, N_MFCC + 1))


COLUMNS = (
    *(f"{name}_{moment}" for name in _PAIRS for moment in ("mean", "var")),
    "tempo",
    *(f"{name}_{moment}" for name in _COEFFICIENTS for moment in ("mean", "var")),
)
"""Names of the 57 values, those of the published table in its order."""


@FEATURES.register("summary")
@dataclass(frozen=True)
class Summary(AudioFeature):
    """Mean and variance of 28 curves, and the tempo: one input `summary`, shape (segments, 57).

    The definition is that of `features_30_sec.csv`, which was published with the Kaggle copy of
    GTZAN; docs/summary_features.md says how close it is.

    Attributes:
        n_fft: samples of a frame; even.
    """

    n_fft: Annotated[int, Field(ge=16, multiple_of=2)]

    libraries: ClassVar[tuple[str, ...]] = ("librosa", "numpy", "scipy")

    def __post_init__(self) -> None:
        check_filter_size(N_MELS, self.n_fft)
        check_hop_length(self.hop_length, self.n_fft)
        slowest = self.sample_rate * 60 // (2 * FASTEST_BPM)
        if self.hop_length > slowest:
            raise ValueError(
                f"hop_length: received {self.hop_length}; allowed: at most {slowest} at "
                f"{self.sample_rate} Hz, else there are too few frames to find the tempo"
            )
        if not self._filters.any(axis=1).all():
            raise ValueError(
                f"n_fft: received {self.n_fft}; some of the {N_MELS} mel bands behind the MFCC lie "
                "between two of its bins; use a larger one"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """What each of the 57 values is."""
        return COLUMNS

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of `summary`, which does not depend on the length of the segment."""
        return {"summary": (len(COLUMNS) if n_samples else 0,)}

    def values(self, n_samples: int) -> int:
        """Return how many numbers the spectrum of a segment has."""
        return max(n_samples, (1 + n_samples // self.hop_length) * (1 + self.n_fft // 2))

    def transform(self, segments: Samples) -> Inputs:
        """Return the 57 values of each segment."""
        import numpy as np

        rows = np.empty((len(segments), *self.shapes(segments.shape[1])["summary"]), np.float32)
        if rows.size:
            rows[:] = [self._row(segment) for segment in segments]
        return {"summary": rows}

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the two axes."""
        return ("segment", "feature")

    @property
    def _filters(self) -> NDArray[np.float32]:
        from genrecls.dsp.mel import MelScaleSettings, mel_matrix

        scale = MelScaleSettings(
            sample_rate=self.sample_rate,
            n_fft=self.n_fft,
            n_mels=N_MELS,
            fmin=0.0,
            fmax=self.sample_rate / 2,
            scale="slaney",
            area_norm=True,
        )
        return mel_matrix(scale)

    def _row(self, samples: NDArray[np.float32]) -> list[float]:
        """Return the values of one segment, in the order of `COLUMNS`."""
        import librosa
        import numpy as np
        from librosa import feature

        rate, n_fft, hop = self.sample_rate, self.n_fft, self.hop_length
        # librosa warns of segments that are shorter than a frame.
        samples = np.pad(samples, (0, max(0, n_fft - len(samples))))
        spectrum = librosa.stft(samples, n_fft=n_fft, hop_length=hop, pad_mode=_PAD)
        magnitude = np.abs(spectrum)
        power = magnitude**2

        # The share of sign changes in each frame; `tuning` says why not librosa's.
        below = np.pad(samples, n_fft // 2, mode="edge") < -_INAUDIBLE
        changes = np.concatenate([[0], np.cumsum(below[1:] != below[:-1])])
        starts = np.arange(0, len(below) - n_fft + 1, hop)
        crossings = (changes[starts + n_fft - 1] - changes[starts]) / n_fft

        # Harmonic and percussive part as of `librosa.effects.hpss`, but for the samples behind the
        # centre of the last frame: the librosa that made the table left them 0.
        waves = (librosa.istft(each, n_fft=n_fft, hop_length=hop) for each in separated(spectrum))
        curves: list[Curve] = [
            feature.chroma_stft(S=power, sr=rate, tuning=tuning(power, rate)),
            feature.rms(y=samples, frame_length=n_fft, hop_length=hop, pad_mode=_PAD),
            feature.spectral_centroid(S=magnitude, sr=rate),
            feature.spectral_bandwidth(S=magnitude, sr=rate),
            feature.spectral_rolloff(S=magnitude, sr=rate),
            crossings,
            *(librosa.util.fix_length(wave, size=len(samples)) for wave in waves),
        ]
        bands = librosa.power_to_db(self._filters @ power)
        coefficients = feature.mfcc(S=bands, n_mfcc=N_MFCC)
        return [*_moments(curves), self._tempo(bands), *_moments(list(coefficients))]

    def _tempo(self, bands: Curve) -> float:
        """Return beats per minute as `librosa.beat.beat_track`; 0 where nothing ever sets in."""
        import numpy as np
        from librosa.feature import tempo
        from librosa.onset import onset_strength

        if bands.shape[1] < 2:
            return 0.0
        onsets = onset_strength(
            S=bands,
            sr=self.sample_rate,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            aggregate=np.median,
        )
        if not onsets.any():
            return 0.0
        beats = tempo(onset_envelope=onsets, sr=self.sample_rate, hop_length=self.hop_length)
        return float(beats[0])


def _moments(curves: list[Curve]) -> list[float]:
    return [float(moment) for curve in curves for moment in (curve.mean(), curve.var())]
