"""The genre over time of sound that is still arriving, segment by segment."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.resample import stream_resampler
from genrecls.dsp.segments import SegmentGrid, repeat_to_fill, windows
from genrecls.errors import ConfigError, DataError
from genrecls.runtime.classifier import Classifier
from genrecls.runtime.stream import Source


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


@dataclass(frozen=True, eq=False)
class StreamSegments:
    """Segments that became complete.

    Attributes:
        starts: in steps of the grid, shape (segments,).
        windows: shape (segments, samples of a window).
    """

    starts: NDArray[np.int64]
    windows: NDArray[np.float32]


class StreamSegmenter:
    """Cuts samples that arrive piece by piece; memory does not grow with them.

    Attributes:
        n_samples: how many have arrived.
    """

    def __init__(self, grid: SegmentGrid) -> None:
        self._grid = grid
        self._buffer = np.zeros(grid.window.margin, np.float32)
        # Index of the first sample in the buffer; the zeros before the sound count.
        self._first = 0
        self._n_segments = 0
        self.n_samples = 0

    def push(self, samples: NDArray[np.float32]) -> StreamSegments:
        """Take more samples and return the segments that they complete."""
        grid, length = self._grid, self._grid.window.length
        self._buffer = np.concatenate([self._buffer, samples])
        self.n_samples += len(samples)
        last = (self._first + len(self._buffer) - length) // (grid.cut.hop * grid.step)
        complete = self._segments(grid.cut.hop * np.arange(self._n_segments, last + 1))
        # Drop what no further segment begins in; the last one may end with the sound.
        following = self._n_segments * grid.cut.hop * grid.step
        ending = self._first + len(self._buffer) - 2 * length
        unused = max(0, min(following, ending) - self._first)
        self._buffer = self._buffer[unused:]
        self._first += unused
        return complete

    def finish(self) -> StreamSegments:
        """Return the segments that hear the rest, as the end of a file is heard.

        What is shorter than a segment of its own is repeated until it fills one.
        """
        grid, margin = self._grid, self._grid.window.margin
        if not self._n_segments:
            track = repeat_to_fill(self._buffer[margin:], grid.cut, grid.step, grid.steps)
            self._buffer = np.concatenate([self._buffer[:margin], track])
            self.n_samples = len(track)
        starts = grid.cut.covering(grid.steps(self.n_samples))[self._n_segments :]
        self._buffer = np.pad(self._buffer, (0, margin))
        return self._segments(starts)

    def _segments(self, starts: NDArray[np.int64]) -> StreamSegments:
        self._n_segments += len(starts)
        places = starts * self._grid.step - self._first
        return StreamSegments(starts, windows(self._buffer, places, self._grid.window.length))


def listen(classifier: Classifier, source: Source, hop: float | None) -> Iterator[Moment]:
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
    grid = classifier.grid
    if hop is not None:
        rule = classifier.predictor.segment
        if hop > rule["length"]:
            raise ConfigError(
                f"--hop: received {hop:g} s; allowed: at most the length of a segment of this "
                f"model, {rule['length']:g} s"
            )
        grid = SegmentGrid.of(classifier.predictor.front_end.features, {**rule, "hop": hop})
    # As in a file: what is said about a song has no gaps.
    grid = replace(grid, cut=replace(grid.cut, hop=min(grid.cut.hop, grid.cut.length)))

    segmenter, resampler = StreamSegmenter(grid), stream_resampler(source.rate, grid.rate)

    def moments(complete: StreamSegments, n_samples: int) -> Iterator[Moment]:
        if not len(complete.starts):
            return
        answers = classifier.probabilities(complete.windows)
        for start, probabilities in zip(complete.starts.tolist(), answers, strict=True):
            end = min(grid.seconds(start + grid.cut.length), n_samples / grid.rate)
            yield Moment(grid.seconds(start), end, probabilities)

    for block in source.blocks:
        yield from moments(segmenter.push(resampler.push(block)), segmenter.n_samples)
    yield from moments(segmenter.push(resampler.finish()), segmenter.n_samples)
    n_samples = segmenter.n_samples
    if not n_samples:
        raise DataError("--live: it ended without a single sample; expected sound")
    yield from moments(segmenter.finish(), n_samples)


def smooth(moments: Iterable[Moment], count: int) -> Iterator[Moment]:
    """Yield each with the mean probabilities of itself and those before it, `count` in all."""
    recent: deque[NDArray[np.float64]] = deque(maxlen=count)
    for moment in moments:
        recent.append(moment.probabilities)
        yield replace(moment, probabilities=np.mean(recent, axis=0))
