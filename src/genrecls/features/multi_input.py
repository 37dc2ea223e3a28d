"""`multi_input`: a picture and the summary of the same segment, for models with two branches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainValidator

from genrecls.config.schema import Registry
from genrecls.config.validation import select
from genrecls.datasets.base import Medium, Track
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.features.base import FEATURES, AudioFeature, FeatureSpec, Inputs, Samples
from genrecls.features.summary import Summary


def _picture(values: Any) -> AudioFeature:
    """Return the representation that the key `name` selects.

    It can be all that is computed from audio but the summary. A union of classes would name the
    keys of all of them where one key of one is wrong.
    """
    if isinstance(values, AudioFeature):
        return values
    pictures: Registry[AudioFeature] = Registry(f"{FEATURES.group}.picture")
    for name in FEATURES:
        option = FEATURES[name]
        if issubclass(option, AudioFeature) and not issubclass(option, Summary):
            pictures.register(name)(option)
    return select(pictures, values)


@FEATURES.register("multi_input")
@dataclass(frozen=True)
class MultiInput(FeatureSpec):
    """Two inputs of each segment: that of `picture`, and `summary`, shape (segments, 57).

    Attributes:
        picture: `mel`, `mfcc` or `mel_image` with all its settings.
        summary: settings of the 57 summary features; reads the same samples.
    """

    picture: Annotated[AudioFeature, PlainValidator(_picture)]
    summary: Summary

    def __post_init__(self) -> None:
        if self.summary.sample_rate != self.picture.sample_rate:
            raise ValueError(
                f"summary: received a sample_rate of {self.summary.sample_rate}; allowed: that of "
                f"picture ({self.picture.sample_rate}), for both are made of the same samples"
            )

    @property
    def parts(self) -> tuple[FeatureSpec, ...]:
        """Itself and both of its inputs."""
        return (self, *self.picture.parts, *self.summary.parts)

    @property
    def title(self) -> str:
        """Both names."""
        return f"{self.picture.name}_{self.summary.name}"

    @property
    def media(self) -> frozenset[Medium]:
        """Audio files."""
        return self.picture.media

    @property
    def rate(self) -> float:
        """The sample rate of both."""
        return self.picture.rate

    @property
    def step(self) -> int:
        """The hop length of the picture."""
        return self.picture.step

    def read(self, track: Track, limits: AudioLimits) -> Samples:
        """Return the mono samples of the track's file, shape (samples,)."""
        return self.picture.read(track, limits)

    def blocks(self, track: Track, limits: AudioLimits) -> Iterator[Samples]:
        """Yield the same block by block."""
        return self.picture.blocks(track, limits)

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of both inputs."""
        return self.picture.shapes(n_samples) | self.summary.shapes(n_samples)

    def values(self, n_samples: int) -> int:
        """Return how many numbers the largest array of both has."""
        return max(part.values(n_samples) for part in (self.picture, self.summary))

    def transform(self, segments: Samples) -> Inputs:
        """Return both inputs."""
        return self.picture.transform(segments) | self.summary.transform(segments)

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the two axes of the picture."""
        return self.picture.axes
