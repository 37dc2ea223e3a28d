"""Distorted copies of training audio: pitch, tempo, equaliser, band, loudness and noise.

Copies of this kind for music are due to McFee, Humphrey and Bello ("A software framework for
musical data augmentation", ISMIR 2015). The transforms are those of audiomentations; what they draw
is drawn here, for they draw from the random state that the whole process shares.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from genrecls.config.schema import Schema
from genrecls.errors import ConfigError
from genrecls.features.filters import butterworth
from genrecls.rng import stream, stream_seed

if TYPE_CHECKING:
    import numpy as np

    from genrecls.features.base import FeatureSpec, Samples

Decibels = Annotated[float, Field(ge=0, le=24)]
SignalToNoise = Annotated[float, Field(ge=-20, le=120)]
Hertz = Annotated[float, Field(gt=0)]

LOWEST_HZ = 20.0
"""Where the lower edge of a band begins to be drawn: below, nobody hears music."""


@dataclass(frozen=True)
class AudioAugmentSettings(Schema):
    """Distorted copies of training segments, made once and kept beside the originals.

    Attributes:
        copies: copies of each segment; 0 is off.
        chance: probability of each change for itself, drawn for each copy of each segment.
        pitch: largest shift in semitones, up or down; 0 is off, as below.
        stretch: largest change of the tempo as a share of it, faster or slower. From twice the
            length on the stretching is no longer repeatable, hence the limit.
        equaliser: largest gain in dB, up or down, of each of seven bands; where neighbours overlap
            they add up, to less than twice that.
        gain: largest change of the loudness in dB.
        noise: lowest and highest signal-to-noise ratio of white noise in dB; None is off.
        band: edges in Hz of the narrowest band that is left, as a small loudspeaker or a telephone
            leaves one. The lower edge is drawn from 20 Hz to the first, the upper one from the
            second to half the sample rate, both evenly in octaves; None is off.
    """

    copies: Annotated[int, Field(ge=0, le=100)]
    chance: Annotated[float, Field(ge=0, le=1)]
    pitch: Annotated[float, Field(ge=0, le=12)]
    stretch: Annotated[float, Field(ge=0, le=0.4)]
    equaliser: Decibels
    gain: Decibels
    noise: tuple[SignalToNoise, SignalToNoise] | None
    # It came later: runs from before have no value for it.
    band: tuple[Hertz, Hertz] | None = None

    def __post_init__(self) -> None:
        if self.noise and self.noise[0] > self.noise[1]:
            raise ValueError(
                f"noise: received {[*self.noise]}; allowed: [lowest, highest] ratio in dB, or null"
            )
        if self.band and not LOWEST_HZ <= self.band[0] < self.band[1]:
            raise ValueError(
                f"band: received {[*self.band]}; allowed: [lower edge, upper edge] in Hz from "
                f"{LOWEST_HZ:g} on, or null"
            )
        if self.active and not (self.chance and self.changes):
            raise ValueError(
                f"copies: received {self.copies}; allowed: 0, as nothing would change the copies: "
                "set a chance and one of pitch, stretch, equaliser, band, gain, noise"
            )

    @property
    def active(self) -> bool:
        """Whether copies are made at all."""
        return self.copies > 0

    @property
    def changes(self) -> tuple[str, ...]:
        """Names of the changes that are on, in the order in which they are made."""
        names = ("pitch", "stretch", "equaliser", "band", "gain", "noise")
        return tuple(name for name in names if getattr(self, name))


def require_audio(spec: FeatureSpec) -> None:
    """Refuse a representation that is not computed from audio alone.

    Raises:
        ConfigError: there is nothing that could be distorted.
    """
    if spec.media != {"audio"}:
        raise ConfigError(
            f"augment.audio.copies: distorts audio, but features={spec.name} reads "
            f"{' and '.join(sorted(spec.media))}; use features of audio or augment.audio.copies=0"
        )


@dataclass(frozen=True)
class Distortion:
    """What makes one distorted copy of segments.

    Attributes:
        settings: what is changed how far.
        rate: samples a second.
    """

    settings: AudioAugmentSettings
    rate: float

    def apply(self, segments: Samples, seed: int) -> Samples:
        """Return a changed copy of `segments`, an array (segments, samples), of the same shape.

        A segment's changes depend on the settings, the seed and its index and on nothing else;
        give each copy of each track a seed of its own. Values may lie beyond -1 to 1. A faster
        segment is filled up with its beginning, a slower one is cut.
        """
        import numpy as np

        # The stretching takes neither read-only nor strided memory, as windows of a track are.
        changed = np.array(segments, np.float32, order="C")
        for index, original in enumerate(changed):
            segment = original
            for name in self.settings.changes:
                # A stream for each change: switching one off leaves the draws of the others alone.
                rng = stream(seed, f"distortion {name}", index)
                if rng.random() < self.settings.chance:
                    segment = self._change(name, segment, rng)
            changed[index] = segment
        return changed

    def _change(self, name: str, segment: Samples, rng: np.random.Generator) -> Samples:
        """Return `segment` after one change, whose amount is drawn from `rng`."""
        import numpy as np
        from audiomentations import PitchShift, SevenBandParametricEQ, TimeStretch

        settings = self.settings
        if name == "pitch":
            semitones = _around(rng, settings.pitch)
            return self._transformed(segment, PitchShift(), num_semitones=semitones)
        if name == "stretch":
            tempo = 1 + _around(rng, settings.stretch)
            transform = TimeStretch(leave_length_unchanged=False)
            return np.resize(self._transformed(segment, transform, rate=tempo), len(segment))
        if name == "equaliser":
            # Two shelves and five peaks between them (R. Bristow-Johnson, Audio EQ Cookbook).
            bands = SevenBandParametricEQ()
            for band in (bands.low_shelf_filter, *bands.peaking_filters, bands.high_shelf_filter):
                centre = np.exp(rng.uniform(*np.log([band.min_center_freq, band.max_center_freq])))
                gain, q = _around(rng, settings.equaliser), rng.uniform(band.min_q, band.max_q)
                # Beyond half the rate the filter would be unstable, and there is nothing to filter.
                if centre < self.rate / 2:
                    segment = self._transformed(
                        segment, band, center_freq=centre, gain_db=gain, q_factor=q
                    )
            return segment
        if name == "band" and settings.band:
            return self._band(segment, settings.band, rng)
        if name == "noise" and settings.noise:
            return self._noisy(segment, settings.noise, rng)
        return segment * _ratio(_around(rng, settings.gain))

    def _band(
        self, segment: Samples, edges: tuple[float, float], rng: np.random.Generator
    ) -> Samples:
        """Return what is left of `segment` between two edges, with slopes of 24 dB an octave."""
        import numpy as np

        lowest, highest = edges
        half = self.rate / 2
        lower = np.exp(rng.uniform(*np.log([LOWEST_HZ, lowest])))
        upper = np.exp(rng.uniform(*np.log([highest, max(highest, half)])))
        # Beyond half the rate there is no edge: what lies below passes.
        if lower < half:
            segment = butterworth(segment, self.rate, 4, lower, "highpass")
        if upper < half:
            segment = butterworth(segment, self.rate, 4, upper, "lowpass")
        return segment

    def _noisy(
        self, segment: Samples, ratios: tuple[float, float], rng: np.random.Generator
    ) -> Samples:
        """Return `segment` and noise; not audiomentations' own, which the shared state draws."""
        import numpy as np

        loudness = float(np.sqrt(np.mean(np.square(segment, dtype=np.float64))))
        level = loudness / _ratio(rng.uniform(*ratios))
        return segment + level * rng.standard_normal(len(segment), np.float32)

    def _transformed(self, segment: Samples, transform: Any, **parameters: float) -> Samples:
        """Apply a transform of audiomentations with parameters that it does not draw itself."""
        transform.parameters = {"should_apply": True, **parameters}
        transform.freeze_parameters()
        changed: Samples = transform(segment, self.rate)
        return changed


def _around(rng: np.random.Generator, largest: float) -> float:
    return rng.uniform(-largest, largest)


def _ratio(decibels: float) -> float:
    """Return the ratio of amplitudes."""
    return float(10 ** (decibels / 20))


_LIBRARIES = ("audiomentations", "python-stretch")


@dataclass(frozen=True)
class DistortedCopy:
    """One of the copies of every training track.

    Attributes:
        seed: run seed.
        number: which copy, from 0.
    """

    settings: AudioAugmentSettings
    seed: int
    number: int

    revision: ClassVar[int] = 1
    """Part of the key of cached features: to be raised when copies are distorted in another way,
    which `rng` decides as well."""

    def apply(self, segments: Samples, rate: float, file_digest: str) -> Samples:
        """Return `segments` (segments, samples) of the file with this digest, distorted."""
        seed = stream_seed(self.seed, "audio copies", self.number, int(file_digest[:7], 16))
        return Distortion(self.settings, rate).apply(segments, seed)

    def to_json(self) -> dict[str, Any]:
        """Return all that decides a copy of a given file, as JSON values."""
        made = {name: value for name, value in asdict(self.settings).items() if name != "copies"}
        versions = {name: metadata.version(name) for name in _LIBRARIES}
        copy = {"seed": self.seed, "number": self.number, "revision": self.revision}
        return {"copy": {**made, **copy, "libraries": versions}}
