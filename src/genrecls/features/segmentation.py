"""How a track is cut into the segments that a model sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from genrecls.config.schema import Schema
from genrecls.dsp.segments import (
    Cut,
    check_segment,
    cut_of,
    input_shapes,
    repeat_to_fill,
    samples_for_steps,
    windows,
)
from genrecls.features.base import FeatureSpec, Inputs, Samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Segments:
    """The segments of one track.

    Attributes:
        inputs: named arrays, first axis segments.
        starts: start of each segment in seconds, shape (segments,).
        seconds: length of a segment in seconds.
        whole: named arrays of the whole track; empty but for rules that make some.
    """

    inputs: Inputs
    starts: NDArray[np.float64]
    seconds: float
    whole: Mapping[str, NDArray[Any]] = field(default_factory=dict)

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
        source: `audio` cuts the audio and transforms each segment by itself, as a device does;
            `spectrogram` transforms the whole track and cuts the result, as carnaghi2022 does.
        short_tracks: a track that is too short for a single segment is a file that cannot be used
            (`reject`), or is repeated until it fills one (`repeat`), as a prediction does it.
    """

    length: PositiveFloat
    hop: PositiveFloat | None
    count: PositiveInt | None
    min_fill: Annotated[float, Field(gt=0, le=1)]
    source: Literal["audio", "spectrogram"]
    # It came later: runs and model files from before have no value for it.
    short_tracks: Literal["reject", "repeat"] = "reject"

    revision: ClassVar[int] = 1
    """Part of the key of cached features: to be raised when segments are cut in another way."""

    def __post_init__(self) -> None:
        check_segment(vars(self))

    def samples(self, rate: float) -> int:
        """Return the length of a segment in samples."""
        return max(1, round(self.length * rate))

    def shapes(self, spec: FeatureSpec) -> dict[str, tuple[int, ...]]:
        """Return the shape of each model input, batch axis left out.

        Raises:
            ConfigError: a segment is too short for a single frame or too long for memory, or
                `spectrogram` would cut something that has no frames.
        """
        return {**input_shapes(vars(self), spec), **spec.companion_shapes}

    def every(self, hop: float) -> SegmentRule:
        """Return the rule whose segments start every `hop` seconds, as far as those of this one.

        Raises:
            ValueError: they would start too often; the line begins with `hop: `.
        """
        rule = replace(self, hop=hop)
        if self.count is None:
            return rule
        reach = (self.count - 1) * (self.hop or self.length)
        # A start that rounding puts a hair beyond the last one is the last one.
        return replace(rule, count=1 + int(reach / hop + 1e-9))

    def frames(self, spec: FeatureSpec) -> int:
        """Return the frames of a segment that is cut from the frames of a whole track."""
        return self._cut_of(spec.rate / spec.step).length

    def why_short(self, n_samples: int, spec: FeatureSpec) -> str:
        """Return why a track of so many samples gives no segment; nothing where it gives one.

        Args:
            n_samples: at the rate of `spec`.
            spec: what makes the inputs.
        """
        frames = self.source == "spectrogram"
        step = spec.step if frames else 1
        cut = self._cut_of(spec.rate / step)
        total = _frames_of(n_samples, spec) if frames else n_samples
        if self.short_tracks == "repeat" or len(self._starts(total, cut)):
            return ""
        needed = cut.needed
        if frames:
            needed = samples_for_steps(needed, spec.step, partial(_frames_of, spec=spec))
        return (
            f"expected {needed / spec.rate:.3f} s ({needed} samples) for one segment, found "
            f"{n_samples / spec.rate:.3f} s ({n_samples})"
        )

    def apply(self, track: Samples, spec: FeatureSpec) -> Segments:
        """Cut `track` (mono samples at the rate of `spec`) and transform it.

        Returns no segment at all where the track is too short for one, unless such tracks are to be
        repeated.
        """
        return self._cut(track, spec, covering=False)

    def distorted(
        self, track: Samples, spec: FeatureSpec, change: Callable[[Samples], Samples]
    ) -> Segments:
        """Cut `track` into the segments of `apply`, and transform each after `change`.

        `change` maps an array (segments, samples) to one of its shape. Every segment is changed and
        transformed by itself, with `source=spectrogram` too, so that a copy of it holds nothing of
        its neighbours, which another part of a split may have.
        """
        frames = self.source == "spectrogram"
        step = spec.step if frames else 1
        cut = self._cut_of(spec.rate / step)
        track = self.filled(track, spec)
        starts = self._starts(_frames_of(len(track), spec) if frames else len(track), cut)
        length = cut.length
        if frames:
            length = samples_for_steps(length, spec.step, partial(_frames_of, spec=spec))
        inputs = spec.transform(change(windows(track, starts * step, length)))
        if frames:
            inputs = {name: array[:, : cut.length] for name, array in inputs.items()}
        return Segments(inputs, starts * step / spec.rate, cut.length * step / spec.rate)

    def cover(self, track: Samples, spec: FeatureSpec) -> Segments:
        """Cut audio of any length so that segments hold all of it, as a prediction needs it.

        Segments start as in `apply`, but without `count` and without gaps. A rest too short for
        `min_fill` is in a last segment that ends with the audio, unless the rest is
        negligible; audio too short for a single segment is repeated until it fills one. Only empty
        audio gives no segment.
        """
        return self._cut(track, spec, covering=True)

    def filled(self, track: Samples, spec: FeatureSpec, *, covering: bool = False) -> Samples:
        """Return a track as it is cut: repeated where it is too short for a segment and gives one.

        Args:
            track: mono samples at the rate of `spec`.
            spec: what makes the inputs.
            covering: for `cover`, where every track gives one; else for `apply`.
        """
        if not covering and self.short_tracks == "reject":
            return track
        if self.source == "audio":
            return repeat_to_fill(track, self._cut_of(spec.rate))
        cut = self._cut_of(spec.rate / spec.step)
        return repeat_to_fill(track, cut, spec.step, partial(_frames_of, spec=spec))

    def _cut(self, track: Samples, spec: FeatureSpec, *, covering: bool) -> Segments:
        import numpy as np

        if self.source == "audio":
            cut = self._cut_of(spec.rate)
            track = self.filled(track, spec, covering=covering)
            starts = self._starts(len(track), cut, covering=covering)
            inputs = spec.transform(windows(track, starts, cut.length))
            return Segments(inputs, starts / spec.rate, cut.length / spec.rate)
        rate = spec.rate / spec.step
        cut = self._cut_of(rate)
        track = self.filled(track, spec, covering=covering)
        total = _frames_of(len(track), spec)
        starts = self._starts(total, cut, covering=covering)
        seconds = cut.length / rate
        if not len(starts):
            empty = {name: np.empty((0, *s), np.float32) for name, s in self.shapes(spec).items()}
            return Segments(empty, starts / rate, seconds)
        # A short rest is filled up with silence before the transform, for 0 is loud in decibels.
        missing = max(0, int(starts[-1]) + cut.length - total) * spec.step
        whole = spec.transform(np.pad(track, (0, missing))[None])
        inputs = {name: windows(array[0], starts, cut.length) for name, array in whole.items()}
        return Segments(inputs, starts / rate, seconds)

    def _cut_of(self, steps_a_second: float) -> Cut:
        """Return the cut of so many samples a second, or frames with `source=spectrogram`."""
        return cut_of(vars(self), steps_a_second, frames=self.source == "spectrogram")

    def _starts(self, total: int, cut: Cut, *, covering: bool = False) -> NDArray[np.int64]:
        """Return where segments begin in `total` samples or frames."""
        return cut.covering(total) if covering else cut.starts(total)[: self.count]


def _frames_of(n_samples: int, spec: FeatureSpec) -> int:
    if n_samples == 0:
        return 0
    return min(shape[0] for shape in spec.shapes(n_samples).values())
