"""How a track is cut into the segments that a model sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt

from genrecls.config.schema import Schema
from genrecls.features.base import FeatureSpec, Inputs, Samples


@dataclass(frozen=True)
class Segments:
    """The segments of one track.

    Attributes:
        inputs: named arrays, first axis segments.
        starts: start of each segment in seconds, shape (segments,).
        seconds: length of a segment in seconds.
    """

    inputs: Inputs
    starts: NDArray[np.float64]
    seconds: float

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True)
class SegmentRule(Schema):
    """Length, distance and number of segments, and what happens to a short rest.

    Attributes:
        length: seconds.
        hop: seconds from one start to the next; null means `length` (no overlap).
        count: at most so many segments a track, from its beginning; null means all.
        min_fill: a last, shorter piece is kept and padded with zeros if it holds at least this
            share of a segment.
        cut: `samples` cuts the audio and transforms each segment by itself, as a device does;
            `frames` transforms the whole track and cuts the result, as carnaghi2022 does.
    """

    length: PositiveFloat
    hop: PositiveFloat | None
    count: PositiveInt | None
    min_fill: Annotated[float, Field(gt=0, le=1)]
    cut: Literal["samples", "frames"]

    def samples(self, sample_rate: int) -> int:
        """Return the length of a segment in samples."""
        return round(self.length * sample_rate)

    def shapes(self, spec: FeatureSpec) -> dict[str, tuple[int, ...]]:
        """Return the shape of each model input, batch axis left out."""
        if self.cut == "samples":
            return spec.shapes(self.samples(spec.sample_rate))
        frames = self.frames(spec)
        return {name: (frames, *shape[1:]) for name, shape in spec.shapes(1).items()}

    def frames(self, spec: FeatureSpec) -> int:
        """Return the frames of a segment that is cut from the frames of a whole track."""
        return int(self.length * spec.sample_rate / spec.hop_length)

    def apply(self, track: Samples, spec: FeatureSpec) -> Segments:
        """Cut `track` (mono samples at the rate of `spec`) and transform it.

        Returns no segment at all where the track is too short for one.
        """
        raise NotImplementedError
