"""What a representation is: a hashable specification that knows its shape and its transform."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

from pydantic import Field, PositiveInt

from genrecls.config.schema import Registry, Schema
from genrecls.datasets.base import Medium, Track
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.dsp.settings import MOST_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Samples: TypeAlias = "NDArray[np.float32]"
Inputs: TypeAlias = "dict[str, NDArray[np.float32]]"
"""Named model inputs; the first axis of every array counts segments."""


@dataclass(frozen=True)
class FeatureSpec(Schema, ABC):
    """Everything that defines one representation.

    The same value drives training, is part of the cache key and travels with the trained model.

    Attributes:
        name: registered name.
    """

    name: str

    revision: ClassVar[int] = 1
    """Part of the key of cached features: to be raised when the values change."""
    libraries: ClassVar[tuple[str, ...]] = ()
    """The libraries that decide the values, beside those that read audio."""

    @property
    def parts(self) -> tuple[FeatureSpec, ...]:
        """The representations that it is made of, itself among them."""
        return (self,)

    @property
    def title(self) -> str:
        """What the representation is called in the names of runs."""
        return self.name

    @property
    @abstractmethod
    def media(self) -> frozenset[Medium]:
        """What a data set must have for this representation."""

    @property
    @abstractmethod
    def rate(self) -> float:
        """Samples (or columns of a picture) a second of what `read` returns."""

    @property
    @abstractmethod
    def step(self) -> int:
        """Samples (or columns) from one frame to the next."""

    @abstractmethod
    def read(self, track: Track, limits: AudioLimits) -> Samples:
        """Return what is cut into segments; its first axis is time.

        Raises:
            AudioRejected: the file cannot be trusted; carries a code.
        """

    def blocks(self, track: Track, limits: AudioLimits) -> Iterator[Samples]:
        """Yield what `read` returns piece by piece, where it need not be held as a whole.

        Raises:
            AudioRejected: as `read`, perhaps only behind the last piece.
        """
        yield self.read(track, limits)

    @abstractmethod
    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each input made from a segment of `n_samples` samples."""

    def values(self, n_samples: int) -> int:
        """Return how many numbers the largest array on the way to the inputs of a segment has."""
        return max(prod(shape) for shape in self.shapes(n_samples).values())

    @abstractmethod
    def transform(self, segments: Samples) -> Inputs:
        """Return the inputs of `segments`, an array (segments, samples), each by itself."""

    @property
    @abstractmethod
    def axes(self) -> tuple[str, str]:
        """Names of the two axes of a picture of this representation, for figures."""

    @property
    def in_decibels(self) -> bool:
        """Whether a louder segment has the same values and a number more of each."""
        return False

    @property
    def companion_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each input that a track has once, the same for all its segments."""
        return {}

    def companions(self, track: Track) -> Inputs:  # noqa: ARG002
        """Return the inputs named in `companion_shapes`, without an axis for segments."""
        return {}


@dataclass(frozen=True)
class AudioFeature(FeatureSpec, ABC):
    """A representation that is computed from audio.

    Attributes:
        sample_rate: rate in Hz that the audio is resampled to.
        hop_length: samples between two frames.
    """

    sample_rate: Annotated[int, Field(gt=0, le=MOST_RATE)]
    hop_length: PositiveInt

    @property
    def media(self) -> frozenset[Medium]:
        """Audio files."""
        return frozenset({"audio"})

    @property
    def rate(self) -> float:
        """The sample rate."""
        return self.sample_rate

    @property
    def step(self) -> int:
        """The hop length."""
        return self.hop_length

    def read(self, track: Track, limits: AudioLimits) -> Samples:
        """Return the mono samples of the track's file, shape (samples,)."""
        from genrecls.dsp import audio

        return audio.read(track.path, self.sample_rate, limits)

    def blocks(self, track: Track, limits: AudioLimits) -> Iterator[Samples]:
        """Yield the same block by block."""
        from genrecls.dsp import audio

        # A class of one's own may read in its own way.
        if type(self).read is not AudioFeature.read:
            yield self.read(track, limits)
        else:
            yield from audio.AudioFile(track.path, limits).resampled(self.sample_rate)


FEATURES: Registry[FeatureSpec] = Registry("features", "genrecls.features")
