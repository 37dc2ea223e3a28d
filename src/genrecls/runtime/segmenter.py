"""Segments of sound that comes piece by piece: of a long file, or of one that is still arriving."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.segments import SegmentGrid, repeat_to_fill, windows


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
