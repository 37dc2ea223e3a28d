"""From an audio file to its genre, with a trained model of any kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from math import log10
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.audio_limits import AudioRejected
from genrecls.dsp.segments import SegmentGrid, repeat_to_fill, windows
from genrecls.dsp.votes import check_probabilities, decide
from genrecls.errors import ModelFileError
from genrecls.runtime.description import ModelDescription
from genrecls.runtime.front_end import FrontEnd, Inputs, Samples
from genrecls.runtime.result import Result
from genrecls.runtime.segmenter import StreamSegmenter, StreamSegments

SILENCE_DBFS = -70.0
"""Level of a whole file below which there is no music, in dB of full scale (root mean square).

It is the absolute threshold below which Recommendation ITU-R BS.1770 counts nothing as programme.
"""

# Segments that are transformed at once: those of a long recording would not fit into memory. Of
# long ones there are fewer, so that they are 1 GiB at most.
_AT_ONCE = 64
_VALUES_AT_ONCE = 2**28

# Segments that are cut at once.
_FEW = 16

MAX_HELD_SECONDS = 30 * 60
"""What is transformed as a whole: at 22,050 Hz this holds some 500 MiB."""


class _Level:
    """The level of all samples that went through `measured`."""

    def __init__(self) -> None:
        self._energy, self._count = 0.0, 0

    def measured(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Yield the blocks."""
        for block in blocks:
            self._energy += float(np.square(block, dtype=np.float64).sum())
            self._count += len(block)
            yield block

    @property
    def dbfs(self) -> float:
        """Root mean square in dB of full scale."""
        return 10 * log10(max(self._energy / max(self._count, 1), 1e-30))


class Predictor(Protocol):
    """A trained network with what it says of itself: a Keras model or an exported file."""

    @property
    def description(self) -> ModelDescription:
        """What it is and how far it can be trusted."""

    @property
    def front_end(self) -> FrontEnd:
        """What reads audio for it and makes its inputs."""

    @property
    def segment(self) -> Mapping[str, Any]:
        """Its segment rule: `length`, `hop`, `min_fill` and `source`."""

    @property
    def takes_samples(self) -> bool:
        """Whether it computes its features itself, from the input `audio`."""

    @property
    def rounding(self) -> float:
        """From one value that a probability can have to the next; 0 where none is rounded."""

    def probabilities(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the probabilities of segments, shape (segments, classes)."""


class Classifier:
    """Classifies files of any length, and windows of sound that is still arriving.

    Args:
        predictor: the model.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.description = predictor.description

    @property
    def labels(self) -> tuple[str, ...]:
        """Genres in the order of the probabilities."""
        return self.description.labels

    @cached_property
    def grid(self) -> SegmentGrid:
        """Where the segments of a track lie."""
        return SegmentGrid.of(self.predictor.front_end.features, self.predictor.segment)

    def classify(self, path: Path) -> Result:
        """Return the probabilities of one file, of any length; a bad file gives its reason.

        A long file is never held as a whole. Where the frames of a whole track are cut, one of more
        than half an hour is transformed segment by segment, as `--live` does it: a level that is
        relative to the loudest of the track is relative to that of the segment then.

        Raises:
            ModelFileError: the network does not answer as a classifier.
        """
        grid, level = self.grid, _Level()
        try:
            blocks = level.measured(self.predictor.front_end.blocks(path))
            held, n_samples = list[Samples](), 0
            if self._cuts_frames:
                for block in blocks:
                    held.append(block)
                    n_samples += len(block)
                    if n_samples > MAX_HELD_SECONDS * grid.rate:
                        break
            if self._cuts_frames and n_samples <= MAX_HELD_SECONDS * grid.rate:
                steps, inputs = self.segments(np.concatenate(held))
                segments = np.concatenate([self.answers(batch) for batch in inputs])
            else:
                steps, segments, n_samples = self._stream(chain(held, blocks))
        except AudioRejected as reason:
            return Result(path, error=f"{reason.code}: {reason.detail}")
        if level.dbfs < SILENCE_DBFS:
            quiet = f"its level is {level.dbfs:.0f} dB of full scale, below {SILENCE_DBFS:g}"
            return Result(path, error=f"silent: {quiet}")
        starts = grid.seconds(steps)
        # A file shorter than a segment is repeated to fill one, but ends where it ends.
        ends = np.minimum(starts + grid.seconds(grid.cut.length), n_samples / grid.rate)
        return Result(
            path,
            decision=decide(segments, self.description.vote),
            probabilities=segments.mean(axis=0),
            starts=starts,
            ends=ends,
            segments=segments,
        )

    def _stream(
        self, blocks: Iterable[Samples]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
        """Return starts and probabilities of the segments of a track, and its number of samples."""
        # As in `segments`: what is said about a song has no gaps.
        grid = self.grid.without_gaps()
        segmenter, at_once = StreamSegmenter(grid), self._at_once
        starts, answers = list[NDArray[np.int64]](), list[NDArray[np.float64]]()
        waiting, n_waiting = list[Samples](), 0

        def answer(complete: StreamSegments, least: int) -> None:
            nonlocal waiting, n_waiting
            starts.append(complete.starts)
            waiting.append(complete.windows)
            n_waiting += len(complete.windows)
            while n_waiting >= least:
                together = np.concatenate(waiting)
                answers.append(self.probabilities(together[:at_once]))
                waiting = [together[at_once:]]
                n_waiting = len(waiting[0])

        for block in blocks:
            # A whole block may complete thousands of segments that overlap.
            size = min(_FEW, at_once) * grid.cut.hop * grid.step
            for first in range(0, len(block), size):
                answer(segmenter.push(block[first : first + size]), at_once)
        n_samples = segmenter.n_samples
        answer(segmenter.finish(), 1)
        return np.concatenate(starts), np.concatenate(answers), n_samples

    def segments(self, samples: Samples) -> tuple[NDArray[np.int64], Iterator[Inputs]]:
        """Cut a whole track as `SegmentRule.cover` does it.

        Returns:
            The start of each segment in steps of `grid`, and what the network takes for them, some
            segments at a time.
        """
        grid, front_end, at_once = self.grid, self.predictor.front_end, self._at_once
        count = front_end.frames if grid.in_frames else int
        track = repeat_to_fill(samples, grid.cut, grid.step, count)
        steps = grid.cut.covering(count(len(track)))

        def cut_frames() -> Iterator[Inputs]:
            # The whole track is transformed; a short rest is filled with silence.
            length = grid.cut.length
            missing = max(0, int(steps[-1]) + length - front_end.frames(len(track))) * grid.step
            whole = front_end.transform(np.pad(track, (0, missing))[None])
            for first in range(0, len(steps), at_once):
                starts = steps[first : first + at_once]
                yield {name: windows(values[0], starts, length) for name, values in whole.items()}

        def cut_samples() -> Iterator[Inputs]:
            padded = np.pad(track, grid.window.margin)
            for first in range(0, len(steps), at_once):
                starts = steps[first : first + at_once] * grid.step
                yield self._window_inputs(windows(padded, starts, grid.window.length))

        return steps, cut_frames() if self._cuts_frames else cut_samples()

    def probabilities(self, audio: Samples) -> NDArray[np.float64]:
        """Return the probabilities of windows of samples.

        Args:
            audio: shape (segments, `grid.window.length`); where `grid.window.margin` is not 0 each
                window begins so many samples before its segment.

        Returns:
            Shape (segments, classes).

        Raises:
            ModelFileError: the network does not answer as a classifier.
        """
        return self.answers(self._window_inputs(audio))

    def answers(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the probabilities of segments, each of which is a distribution over the genres.

        Args:
            inputs: what the network takes, first axis segments.

        Raises:
            ModelFileError: the network does not answer as a classifier.
        """
        try:
            answers = self.predictor.probabilities(inputs)
            check_probabilities(answers, len(self.labels), self.predictor.rounding)
        except ModelFileError as error:
            raise ModelFileError(f"model {self.description.name}: {error}") from None
        return answers

    @cached_property
    def _at_once(self) -> int:
        """How many segments are transformed at once."""
        n_samples = self.grid.cut.length * self.grid.step
        values = max(n_samples, self.predictor.front_end.representation.values(n_samples))
        return max(1, min(_AT_ONCE, _VALUES_AT_ONCE // values))

    @property
    def _cuts_frames(self) -> bool:
        """Whether a whole track is transformed and its frames are cut."""
        return self.grid.in_frames and not self.predictor.takes_samples

    def _window_inputs(self, audio: Samples) -> Inputs:
        if self.predictor.takes_samples:
            return {"audio": audio}
        return self.predictor.front_end.transform(audio, padded=self.grid.in_frames)
