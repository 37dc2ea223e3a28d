"""Where segments start and what they hold: the same in training, for files and live."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

# GTZAN tracks last 30.01 s: their last centisecond must not make the last 3 s count twice.
_NEGLIGIBLE = 0.02


@dataclass(frozen=True)
class Cut:
    """How something is cut along its first axis, in samples or frames.

    Attributes:
        length: of a segment.
        hop: from one start to the next.
        needed: what a last, shorter piece has to hold.
    """

    length: int
    hop: int
    needed: int

    def starts(self, total: int) -> NDArray[np.int64]:
        """Return where the segments of `total` begin."""
        return np.asarray(self._regular(total), np.int64)

    def covering(self, total: int) -> NDArray[np.int64]:
        """Return where segments begin that leave no gap and hold all but a negligible rest."""
        dense = Cut(self.length, min(self.hop, self.length), self.needed)
        starts = dense._regular(total)
        covered = starts[-1] + self.length if starts else 0
        if self.length <= total and total - covered > _NEGLIGIBLE * self.length:
            starts.append(total - self.length)
        return np.asarray(starts, np.int64)

    def _regular(self, total: int) -> list[int]:
        full = (total - self.length) // self.hop + 1 if total >= self.length else 0
        starts = [i * self.hop for i in range(full)]
        covered = starts[-1] + self.length if starts else 0
        rest = full * self.hop
        if total > covered and total - rest >= self.needed:
            starts.append(rest)
        return starts


def cut_of(segment: Mapping[str, Any], steps_a_second: float, *, frames: bool) -> Cut:
    """Return how a segment rule cuts what has so many samples or frames a second.

    Args:
        segment: `length`, `hop` and `min_fill` of a `SegmentRule`.
        steps_a_second: sample rate in Hz, or frames a second.
        frames: whether the steps are frames; a part of a frame is none.
    """
    counted = floor_tolerant if frames else round
    length = max(0 if frames else 1, counted(segment["length"] * steps_a_second))
    hop = segment["hop"]
    return Cut(
        length=length,
        hop=length if hop is None else max(1, counted(hop * steps_a_second)),
        needed=max(1, -floor_tolerant(-segment["min_fill"] * length)),
    )


def floor_tolerant(number: float) -> int:
    """Return the integer below `number`, forgiving that 0.29 * 100 is less than 29 in binary."""
    return math.floor(round(number, 6))


def windows(
    array: NDArray[np.float32], starts: NDArray[np.int64], length: int
) -> NDArray[np.float32]:
    """Return pieces of `length` along the first axis, shape (starts, length, ...), zeros behind."""
    pieces = np.zeros((len(starts), length, *array.shape[1:]), np.float32)
    for piece, start in zip(pieces, starts, strict=True):
        held = array[start : start + length]
        piece[: len(held)] = held
    return pieces


def repeat_to_fill(
    track: NDArray[np.float32], cut: Cut, step: int = 1, steps_of: Callable[[int], int] = int
) -> NDArray[np.float32]:
    """Return a track, repeated until it fills a segment where it is too short to be one.

    Args:
        track: samples.
        cut: of the track, in steps.
        step: samples from one step to the next.
        steps_of: number of steps of a number of samples.
    """
    wanted, enough = (samples_for_steps(n, step, steps_of) for n in (cut.length, cut.needed))
    return np.resize(track, wanted) if 0 < len(track) < enough else track


@dataclass(frozen=True)
class AudioWindow:
    """The samples that an exported model that takes audio is given for one segment.

    Attributes:
        length: samples of a window.
        hop: samples from one frame to the next; starts of segments that are counted in frames are
            multiples of it.
        margin: zeros that the caller puts before and behind the whole track. Where it is not 0 the
            frames at the edges of a window see their neighbours, as in training.
    """

    length: int
    hop: int
    margin: int


def audio_window(features: Mapping[str, Any], segment: Mapping[str, Any]) -> AudioWindow:
    """Return the window of a representation (`sample_rate`, `hop_length`...) and segment rule."""
    rate, hop = features["sample_rate"], features["hop_length"]
    if segment["source"] == "audio":
        return AudioWindow(cut_of(segment, rate, frames=False).length, hop, 0)
    frames = cut_of(segment, rate / hop, frames=True).length
    n_fft = features["n_fft"]
    length = (frames - 1) * hop + n_fft
    return AudioWindow(length, hop, n_fft // 2 if features["center"] else 0)


@dataclass(frozen=True)
class SegmentGrid:
    """Where the segments of a track or a stream lie.

    Attributes:
        rate: sample rate in Hz.
        cut: length and hop in steps, which are samples or frames.
        step: samples from one step to the next.
        in_frames: whether the steps are frames.
        window: samples that are looked at for one segment.
    """

    rate: int
    cut: Cut
    step: int
    in_frames: bool
    window: AudioWindow

    @classmethod
    def of(cls, features: Mapping[str, Any], segment: Mapping[str, Any]) -> SegmentGrid:
        """Return the grid of a representation (`sample_rate`, `hop_length`...) and segment rule."""
        in_frames = segment["source"] == "spectrogram"
        rate, step = int(features["sample_rate"]), int(features["hop_length"]) if in_frames else 1
        cut = cut_of(segment, rate / step, frames=in_frames)
        return cls(rate, cut, step, in_frames, audio_window(features, segment))

    def without_gaps(self) -> SegmentGrid:
        """Return the grid with a hop of a segment at most."""
        return replace(self, cut=replace(self.cut, hop=min(self.cut.hop, self.cut.length)))

    def steps(self, n_samples: int) -> int:
        """Return how many steps so many samples are."""
        # What a single frame looks at; of samples it is one.
        reach = self.window.length - (self.cut.length - 1) * self.step
        inside = n_samples + 2 * self.window.margin - reach
        return max(0, 1 + inside // self.step) if n_samples else 0

    def seconds(self, steps: NDArray[np.int64] | int) -> Any:
        """Return when a step is; for an array of steps an array."""
        return steps * self.step / self.rate


def count_frames(n_samples: int, features: Mapping[str, Any]) -> int:
    """Return the number of frames of so many samples (`n_fft`, `hop_length`, `center`)."""
    inside = n_samples if features["center"] else n_samples - features["n_fft"]
    return max(0, int(1 + inside // features["hop_length"]))


def samples_for_steps(steps: int, step: int, steps_of: Callable[[int], int]) -> int:
    """Return a number of samples that gives at least `steps` steps, and hardly more.

    Args:
        steps: how many are wanted, such as frames.
        step: samples from one step to the next.
        steps_of: number of steps of a number of samples.
    """
    n_samples = steps * step
    return n_samples + max(0, steps - steps_of(n_samples)) * step
