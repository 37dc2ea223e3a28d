"""The genre over time of sound that is still arriving, segment by segment."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.resample import stream_resampler
from genrecls.dsp.segments import (
    AudioWindow,
    Cut,
    audio_window,
    cut_of,
    repeated,
    samples_holding,
    windows,
)
from genrecls.errors import ConfigError, DataError
from genrecls.runtime.stream import Source


class WindowClassifier(Protocol):
    """What listening needs of a model."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Genres in the order of the probabilities."""

    @property
    def features(self) -> Mapping[str, Any]:
        """`sample_rate` and `hop_length`; also `n_fft` and `center` where frames are cut."""

    @property
    def segment(self) -> Mapping[str, Any]:
        """The segment rule: `length`, `hop`, `min_fill` and `source`."""

    def probabilities(self, audio: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return shape (windows, classes) for samples of shape (windows, `AudioWindow.length`)."""


@dataclass(frozen=True, eq=False)
class Moment:
    """What is said about one segment.

    Attributes:
        start, end: seconds since the beginning; the end is not beyond that of the sound.
        probabilities: shape (classes,).
    """

    start: float
    end: float
    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class SegmentGrid:
    """Where the segments of a stream lie; the same as in a file.

    Attributes:
        rate: sample rate in Hz.
        cut: length and hop, in samples or frames.
        step: samples from one of those to the next.
        window: samples that are looked at for one segment.
    """

    rate: int
    cut: Cut
    step: int
    window: AudioWindow

    @classmethod
    def of(cls, classifier: WindowClassifier, hop: float | None) -> SegmentGrid:
        """Return the grid of a model, with its own hop or another one in seconds.

        Raises:
            ConfigError: between two segments something would not be heard.
        """
        features, rule = classifier.features, dict(classifier.segment)
        if hop is not None and hop > rule["length"]:
            raise ConfigError(
                f"--hop: received {hop:g} s; allowed: at most the length of a segment of this "
                f"model, {rule['length']:g} s"
            )
        rule["hop"] = rule["hop"] if hop is None else hop
        step = features["hop_length"] if rule["source"] == "spectrogram" else 1
        rate = features["sample_rate"]
        cut = cut_of(rule, rate / step, frames=rule["source"] == "spectrogram")
        # As in a file: what is said about a song has no gaps.
        cut = replace(cut, hop=min(cut.hop, cut.length))
        return cls(rate, cut, step, audio_window(features, rule))

    def steps(self, n_samples: int) -> int:
        """Return how many samples or frames so many samples are."""
        # What a single frame looks at; of samples it is one.
        reach = self.window.length - (self.cut.length - 1) * self.step
        inside = n_samples + 2 * self.window.margin - reach
        return max(0, 1 + inside // self.step) if n_samples else 0

    def seconds(self, steps: int) -> float:
        """Return when a sample or frame is."""
        return steps * self.step / self.rate


@dataclass(frozen=True, eq=False)
class Cuttings:
    """Segments that became complete.

    Attributes:
        starts: in steps of the grid, shape (segments,).
        samples: shape (segments, samples of a window).
    """

    starts: NDArray[np.int64]
    samples: NDArray[np.float32]


class Cutter:
    """Cuts samples that arrive piece by piece; memory does not grow with them."""

    def __init__(self, grid: SegmentGrid) -> None:
        self._grid = grid
        self._held = np.zeros(grid.window.margin, np.float32)
        # Index of the first sample held; the zeros before the sound count.
        self._first = 0
        self._given = 0
        self.seen = 0

    def push(self, samples: NDArray[np.float32]) -> Cuttings:
        """Take more samples and return the segments that they complete."""
        self._held = np.concatenate([self._held, samples])
        self.seen += len(samples)
        hop = self._grid.cut.hop
        room = self._first + len(self._held) - self._grid.window.length
        last = room // (hop * self._grid.step)
        found = self._cut(hop * np.arange(self._given, last + 1))
        self._forget()
        return found

    def finish(self) -> Cuttings:
        """Return the segments that hear the rest, as the end of a file is heard.

        What is shorter than a segment of its own is repeated until it fills one.
        """
        grid = self._grid
        if not self._given:
            self._fill_up()
        starts = grid.cut.covering(grid.steps(self.seen))[self._given :]
        self._held = np.pad(self._held, (0, grid.window.margin))
        return self._cut(starts)

    def _fill_up(self) -> None:
        """Repeat a track that is too short, like `SegmentRule.cover`."""
        grid, margin = self._grid, self._grid.window.margin
        enough, wanted = (
            samples_holding(steps, grid.step, grid.steps)
            for steps in (grid.cut.needed, grid.cut.length)
        )
        track = repeated(self._held[margin:], wanted, enough)
        self._held = np.concatenate([self._held[:margin], track])
        self.seen = len(track)

    def _cut(self, starts: NDArray[np.int64]) -> Cuttings:
        self._given += len(starts)
        places = starts * self._grid.step - self._first
        return Cuttings(starts, windows(self._held, places, self._grid.window.length))

    def _forget(self) -> None:
        """Drop what no further segment begins in; the last one may end with the sound."""
        following = self._given * self._grid.cut.hop * self._grid.step
        ending = self._first + len(self._held) - 2 * self._grid.window.length
        unused = max(0, min(following, ending) - self._first)
        self._held = self._held[unused:]
        self._first += unused


def listen(classifier: WindowClassifier, source: Source, hop: float | None) -> Iterator[Moment]:
    """Yield what the model says about each segment, as soon as it has been heard.

    On a finished WAV this is what `classify` says of its segments. Only where frames are cut and
    their level is relative to the loudest of the track, it is relative to that of the segment here:
    what is still to come cannot be known.

    Args:
        classifier: the model.
        source: the sound.
        hop: seconds from one segment to the next; None is that of the model.

    Raises:
        ConfigError: the hop is longer than a segment.
        DataError: the samples cannot be trusted, or there are none.
    """
    grid = SegmentGrid.of(classifier, hop)
    cutter, resampler = Cutter(grid), stream_resampler(source.rate, grid.rate)
    for block in source.blocks:
        yield from _moments(classifier, grid, cutter.push(resampler.push(block)), cutter.seen)
    yield from _moments(classifier, grid, cutter.push(resampler.finish()), cutter.seen)
    seen = cutter.seen
    if not seen:
        raise DataError("--live: it ended without a single sample; expected sound")
    yield from _moments(classifier, grid, cutter.finish(), seen)


def _moments(
    classifier: WindowClassifier, grid: SegmentGrid, cuttings: Cuttings, seen: int
) -> Iterator[Moment]:
    if not len(cuttings.starts):
        return
    found = classifier.probabilities(cuttings.samples)
    for start, probabilities in zip(cuttings.starts, found, strict=True):
        end = min(grid.seconds(int(start) + grid.cut.length), seen / grid.rate)
        yield Moment(grid.seconds(int(start)), end, probabilities)


def smoothed(heard: Iterable[Moment], count: int) -> Iterator[Moment]:
    """Yield each with the mean probabilities of itself and those before it, `count` in all."""
    recent: deque[NDArray[np.float64]] = deque(maxlen=count)
    for one in heard:
        recent.append(one.probabilities)
        yield replace(one, probabilities=np.mean(recent, axis=0))
