"""The genre over time of sound that is still arriving, segment by segment."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.audio import SILENCE, apart
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.dsp.resample import stream_resampler
from genrecls.dsp.segments import SegmentGrid, check_segment
from genrecls.errors import ConfigError, DataError
from genrecls.runtime.classifier import Classifier
from genrecls.runtime.segmenter import StreamSegmenter, StreamSegments
from genrecls.runtime.stream import Gap, Source

# What is said of silence before the first sound; of hours no more is kept.
_MOST_SILENT = 600


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


def listen(classifier: Classifier, source: Source, hop: float | None) -> Iterator[Moment]:
    """Yield what the model says about each segment, as soon as it has been heard.

    On a finished WAV this is what `classify` says of its segments. Only where frames are cut and
    their level is relative to the loudest of the track, it is relative to that of the segment here:
    what is still to come cannot be known. Of silence before the first sound only the last segments
    are answered, however long it was. No segment goes across a gap; times count what was dropped.

    Args:
        classifier: the model.
        source: the sound.
        hop: seconds from one segment to the next; None is that of the model.

    Raises:
        ConfigError: the hop is longer than a segment or far shorter, or the model cannot listen.
        DataError: the samples cannot be trusted, there are none, or they are all zero.
    """
    grid = classifier.grid if hop is None else _grid_with_hop(classifier, hop)
    # As in a file: what is said about a song has no gaps.
    grid = grid.without_gaps()
    segmenter, resampler = StreamSegmenter(grid), stream_resampler(source.rate, grid.rate)

    def moments(complete: StreamSegments, n_samples: int) -> Iterator[Moment]:
        if not len(complete.starts):
            return
        answers = classifier.probabilities(complete.windows)
        for start, probabilities in zip(complete.starts.tolist(), answers, strict=True):
            end = min(grid.seconds(start + grid.cut.length), n_samples / grid.rate)
            yield Moment(before + grid.seconds(start), before + end, probabilities)

    silent, held = True, deque[Moment](maxlen=_MOST_SILENT)
    # Seconds until now, and until the piece of sound that is heard: what follows a gap is another.
    elapsed = before = 0.0
    for block in source.blocks:
        if isinstance(block, Gap):
            elapsed += block.seconds
            before = elapsed
            segmenter, resampler = StreamSegmenter(grid), stream_resampler(source.rate, grid.rate)
            continue
        elapsed += len(block) / source.rate
        silent = silent and float(np.abs(block).max(initial=0)) < SILENCE
        heard = moments(segmenter.push(resampler.push(block)), segmenter.n_samples)
        if silent:
            # A file of zeros is refused as well: there is no answer before something sounds.
            held += heard
            continue
        yield from held
        held.clear()
        yield from heard
    rest = list(moments(segmenter.push(resampler.finish()), segmenter.n_samples))
    n_samples = segmenter.n_samples
    _refuse_without_sound(before + n_samples / grid.rate, silent=silent)
    yield from rest
    if n_samples:
        yield from moments(segmenter.finish(), n_samples)


def _refuse_without_sound(seconds: float, *, silent: bool) -> None:
    """Refuse a source that has ended without enough sound for an answer, as a file is refused.

    Raises:
        DataError: says why.
    """
    if not seconds:
        raise DataError("--live: it ended without a single sample; expected sound")
    least = AudioLimits().min_seconds
    if seconds < least:
        found = apart(seconds, least, 3)
        raise DataError(f"--live: expected at least {least:g} s of sound, found {found} s")
    if silent:
        raise DataError(f"--live: every sample is zero, for {seconds:.3g} s; is the source mute?")


def _grid_with_hop(classifier: Classifier, hop: float) -> SegmentGrid:
    rule = classifier.predictor.segment
    if hop > rule["length"]:
        raise ConfigError(
            f"--hop: received {hop:g} s; allowed: at most the length of a segment of this "
            f"model, {rule['length']:g} s"
        )
    rule = {**rule, "hop": hop}
    try:
        check_segment(rule)
    except ValueError as error:
        raise ConfigError(f"--{error}") from None
    return SegmentGrid.of(classifier.predictor.front_end.features, rule)


def smooth(moments: Iterable[Moment], count: int) -> Iterator[Moment]:
    """Yield each with the mean probabilities of itself and those before it, `count` in all."""
    recent: deque[NDArray[np.float64]] = deque(maxlen=count)
    for moment in moments:
        recent.append(moment.probabilities)
        yield replace(moment, probabilities=np.mean(recent, axis=0))
