"""How a track is cut into the segments that a model sees."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt

from genrecls.config.schema import Schema
from genrecls.errors import ConfigError
from genrecls.features.base import FeatureSpec, Inputs, Samples

# GTZAN tracks last 30.01 s: their last centisecond must not make the last 3 s count twice.
_NEGLIGIBLE = 0.02


@dataclass(frozen=True, eq=False)
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
            share of a segment (and something that the piece before it does not hold).
        cut: `samples` cuts the audio and transforms each segment by itself, as a device does;
            `frames` transforms the whole track and cuts the result, as carnaghi2022 does.
    """

    length: PositiveFloat
    hop: PositiveFloat | None
    count: PositiveInt | None
    min_fill: Annotated[float, Field(gt=0, le=1)]
    cut: Literal["samples", "frames"]

    def samples(self, rate: float) -> int:
        """Return the length of a segment in samples."""
        return max(1, round(self.length * rate))

    def shapes(self, spec: FeatureSpec) -> dict[str, tuple[int, ...]]:
        """Return the shape of each model input, batch axis left out.

        Raises:
            ConfigError: a segment is too short for a single frame, or `frames` would cut
                something that has no frames.
        """
        shapes = spec.shapes(self.samples(spec.rate))
        if self.cut == "frames":
            shapes = {name: (self.frames(spec), *shape[1:]) for name, shape in shapes.items()}
            self._require_frames(spec)
        if any(0 in shape for shape in shapes.values()):
            raise ConfigError(
                f"segment.length: received {self.length:g} s, which is shorter than one frame of "
                f"features={spec.name}; use longer segments"
            )
        return {**shapes, **spec.companion_shapes}

    def _require_frames(self, spec: FeatureSpec) -> None:
        """Refuse inputs whose first axis does not grow with the audio."""
        n_samples = self.samples(spec.rate)
        longer = spec.shapes(n_samples + 9 * spec.step)
        fixed = [name for name, shape in spec.shapes(n_samples).items() if shape == longer[name]]
        if fixed:
            raise ConfigError(
                f"segment.cut: received 'frames', but '{fixed[0]}' of features={spec.name} has no "
                "frames to cut; use segment.cut=samples"
            )

    def frames(self, spec: FeatureSpec) -> int:
        """Return the frames of a segment that is cut from the frames of a whole track."""
        return _whole(self.length * spec.rate / spec.step)

    def apply(self, track: Samples, spec: FeatureSpec) -> Segments:
        """Cut `track` (mono samples at the rate of `spec`) and transform it.

        Returns no segment at all where the track is too short for one.
        """
        return self._cut(track, spec, covering=False)

    def cover(self, track: Samples, spec: FeatureSpec) -> Segments:
        """Cut audio of any length so that all of it is heard, as a prediction needs it.

        Segments start as in `apply`, but without `count` and without gaps. A rest too short for
        `min_fill` is heard by a last segment that ends with the audio, unless the rest is
        negligible; audio too short for a single segment is repeated until it fills one. Only empty
        audio gives no segment.
        """
        return self._cut(track, spec, covering=True)

    def _cut(self, track: Samples, spec: FeatureSpec, *, covering: bool) -> Segments:
        if self.cut == "frames":
            return self._cut_frames(track, spec, covering=covering)
        rate, length = spec.rate, self.samples(spec.rate)
        hop = length if self.hop is None else max(1, round(self.hop * rate))
        if covering:
            track = _repeated(track, length, self._needed(length))
        starts = self._starts(len(track), length, hop, covering=covering)
        inputs = spec.transform(_windows(track, starts, length))
        return Segments(inputs, starts / rate, length / rate)

    def _cut_frames(self, track: Samples, spec: FeatureSpec, *, covering: bool) -> Segments:
        rate, length = spec.rate / spec.step, self.frames(spec)
        hop = length if self.hop is None else max(1, _whole(self.hop * rate))
        if covering:
            track = _repeated(
                track, *(_samples_for(n, spec) for n in (length, self._needed(length)))
            )
        total = _frames_of(len(track), spec)
        starts = self._starts(total, length, hop, covering=covering)
        if not len(starts):
            empty = {name: np.empty((0, *s), np.float32) for name, s in self.shapes(spec).items()}
            return Segments(empty, starts / rate, length / rate)
        # A short rest is filled up with silence before the transform, for 0 is loud in decibels.
        missing = max(0, int(starts[-1]) + length - total) * spec.step
        whole = spec.transform(np.pad(track, (0, missing))[None])
        inputs = {name: _windows(array[0], starts, length) for name, array in whole.items()}
        return Segments(inputs, starts / rate, length / rate)

    def _needed(self, length: int) -> int:
        """Return how much of `length` a shorter piece has to hold."""
        return max(1, -_whole(-self.min_fill * length))

    def _starts(self, total: int, length: int, hop: int, *, covering: bool) -> NDArray[np.int64]:
        """Return where segments of `length` begin in `total` samples or frames."""
        if covering:
            hop = min(hop, length)
        full = (total - length) // hop + 1 if total >= length else 0
        starts = [i * hop for i in range(full)]
        heard = starts[-1] + length if starts else 0
        rest = full * hop
        if total > heard and total - rest >= self._needed(length):
            starts.append(rest)
        elif covering and length <= total and total - heard > _NEGLIGIBLE * length:
            starts.append(total - length)
        return np.asarray(starts[: None if covering else self.count], np.int64)


def _whole(number: float) -> int:
    """Return the integer below `number`, forgiving that 0.29 * 100 is less than 29 in binary."""
    return math.floor(round(number, 6))


def _windows(
    array: NDArray[np.float32], starts: NDArray[np.int64], length: int
) -> NDArray[np.float32]:
    """Return pieces of `length` along the first axis, shape (starts, length, ...)."""
    pieces = np.zeros((len(starts), length, *array.shape[1:]), np.float32)
    for piece, start in zip(pieces, starts, strict=True):
        held = array[start : start + length]
        piece[: len(held)] = held
    return pieces


def _repeated(track: Samples, wanted: int, needed: int) -> Samples:
    """Return `track`, repeated up to `wanted` samples if it holds some but less than `needed`."""
    return np.resize(track, wanted) if 0 < len(track) < needed else track


def _frames_of(n_samples: int, spec: FeatureSpec) -> int:
    if n_samples == 0:
        return 0
    return min(shape[0] for shape in spec.shapes(n_samples).values())


def _samples_for(frames: int, spec: FeatureSpec) -> int:
    """Return a number of samples that gives at least `frames` frames, and hardly more."""
    n_samples = frames * spec.step
    return n_samples + max(0, frames - _frames_of(n_samples, spec)) * spec.step
