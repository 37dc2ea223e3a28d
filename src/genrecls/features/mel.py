"""`mel`: log-mel spectrogram, equal to librosa's, several times as fast."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from genrecls.dsp.mel_settings import (
    LEAST_LOG_GAIN,
    LEAST_PCEN_SECONDS,
    Compression,
    MelScale,
    Window,
)
from genrecls.dsp.segments import count_frames
from genrecls.features.base import FEATURES, AudioFeature, Inputs, Samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genrecls.dsp.mel import Kernels, MelFrontEnd


def scipy_rfft(frames: NDArray[np.float32]) -> NDArray[Any]:
    """Return the spectra of real frames, which may be overwritten.

    SciPy transforms several float32 frames at once with vector instructions; NumPy does not.
    """
    import numpy as np
    from scipy.fft import rfft

    return np.asarray(rfft(frames, overwrite_x=True))


@dataclass(frozen=True)
class MelSettings(AudioFeature, ABC):
    """From samples to log-mel bands; what `mel` and everything built on it have in common.

    Attributes:
        n_fft: samples of a frame, which is also the length of the window; even.
        window: tapering of a frame, periodic.
        center: frame t is centred on sample t * hop_length, with zeros beyond both ends; otherwise
            it starts there, and only whole frames count.
        power: 1 takes magnitudes, 2 takes power.
        n_mels: mel bands.
        fmin: lowest frequency in Hz.
        fmax: highest frequency in Hz; null is half the sample rate.
        mel_scale: formula of the mel scale.
        mel_norm: `slaney` gives all filters the same area, null the same height.
        ref: what 0 dB is: a number, or `max` for the loudest value of a segment.
        amin: values below count as this one, in the unit of the mel bands.
        top_db: values lower than this below the loudest of a segment are raised; null is off.
    """

    n_fft: Annotated[int, Field(ge=16, multiple_of=2)]
    window: Window
    center: bool
    power: Literal[1, 2]
    n_mels: PositiveInt
    fmin: NonNegativeFloat
    fmax: PositiveFloat | None
    mel_scale: MelScale
    mel_norm: Literal["slaney"] | None
    ref: PositiveFloat | Literal["max"]
    amin: PositiveFloat
    top_db: PositiveFloat | None

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy")

    def __post_init__(self) -> None:
        from genrecls.dsp.mel_checks import check_front_end

        check_front_end(vars(self))

    @property
    def kernels(self) -> Kernels:
        """The library functions that it is computed with."""
        from genrecls.dsp.mel import Kernels

        return Kernels(rfft=scipy_rfft)

    @property
    def front_end(self) -> MelFrontEnd:
        """The computation, with its arrays; a coloured picture still lacks its colours."""
        from genrecls.dsp.mel import MelFrontEnd

        return MelFrontEnd.of(vars(self), kernels=self.kernels)

    def frames(self, n_samples: int) -> int:
        """Return the number of frames of a segment of `n_samples` samples."""
        return count_frames(n_samples, vars(self))

    def values(self, n_samples: int) -> int:
        """Return how many numbers the largest array on the way to the inputs of a segment has."""
        return self.front_end.values(n_samples)

    def bands(self, segments: Samples) -> NDArray[np.float32]:
        """Return the compressed mel bands of segments (segments, samples), each by itself.

        Returns:
            Shape (segments, frames, n_mels).
        """
        return self.front_end.bands(segments)


@dataclass(frozen=True)
class CompressedMel(MelSettings, ABC):
    """Mel bands with a choice of what makes small and large values comparable.

    Attributes:
        compression: `db` is 10 log10(band), within `ref`, `amin` and `top_db`; `log1p` is
            log10(1 + log_gain * band); `pcen` is per-channel energy normalisation, which divides by
            a running mean of each band (Y. Wang et al., "Trainable Frontend For Robust and
            Far-Field Keyword Spotting", 2017): as `librosa.pcen` of samples times 2^31, but that
            the mean begins with the first frame of a segment instead of 1.
        log_gain: what `log1p` multiplies a band with; Pons and Serra (2019) take 10,000.
        pcen_seconds: time constant of the running mean of `pcen`.
        pcen_gain: share of the running mean that is divided by, as an exponent.
        pcen_bias: what is added in front of the root.
        pcen_power: exponent of the root.
    """

    # They came later: runs and model files from before have no values for them.
    compression: Compression = field(default="db", kw_only=True)
    log_gain: Annotated[float, Field(ge=LEAST_LOG_GAIN, le=1e12)] = field(
        default=10_000.0, kw_only=True
    )
    pcen_seconds: Annotated[float, Field(ge=LEAST_PCEN_SECONDS, le=1000)] = field(
        default=0.4, kw_only=True
    )
    pcen_gain: Annotated[float, Field(ge=0, le=1)] = field(default=0.98, kw_only=True)
    pcen_bias: Annotated[float, Field(ge=1e-3, le=1e9)] = field(default=2.0, kw_only=True)
    pcen_power: Annotated[float, Field(ge=1e-3, le=1)] = field(default=0.5, kw_only=True)


@FEATURES.register("mel")
@dataclass(frozen=True)
class Mel(CompressedMel):
    """Log-mel spectrogram: one input `mel`, shape (segments, frames, n_mels)."""

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of `mel` for a segment of `n_samples` samples."""
        return {"mel": self.front_end.shape(n_samples)}

    def transform(self, segments: Samples) -> Inputs:
        """Return the log-mel spectrogram of each segment."""
        return {"mel": self.front_end.transform(segments)}

    @property
    def in_decibels(self) -> bool:
        """Whether a louder segment has the same values and a number more of each."""
        return self.compression == "db" and self.ref != "max"

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the two axes."""
        return ("time", "mel band")
