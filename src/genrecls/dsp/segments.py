"""Where segments start and what they hold: the same in training, for files and live."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from genrecls.dsp.settings import NULL, Allowed, choice, either, number, whole_number
from genrecls.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# GTZAN tracks last 30.01 s: their last centisecond must not make the last 3 s count twice.
_NEGLIGIBLE = 0.02

SHORTEST = 0.001
"""Seconds of a segment, and from one start to the next: a rate of answers that nobody can use."""

MOST_OVERLAP = 100
"""Segments that may hold the same moment; each is computed, and in a training kept."""

MOST_VALUES = 2**26
"""Numbers that one segment may be, as samples or on the way to the network: 256 MiB of float32."""

SEGMENT: Mapping[str, Allowed] = {
    "length": number(above=0),
    "hop": either(number(above=0), NULL),
    "count": either(whole_number(1), NULL),
    "min_fill": number(above=0, most=1),
    "source": choice("audio", "spectrogram"),
    "short_tracks": choice("reject", "repeat"),
}
"""What the keys of a segment rule may be in a file; files from before have no `short_tracks`."""


def check_segment(segment: Mapping[str, Any]) -> None:
    """Refuse a segment rule that would take for ever on any audio.

    Args:
        segment: `length` and `hop` of a `SegmentRule`.

    Raises:
        ValueError: one line names the key, what was received and what is allowed.
    """
    length, hop = segment["length"], segment["hop"]
    if length < SHORTEST:
        raise ValueError(f"length: received {length:g} s; allowed: at least {SHORTEST:g} s")
    least = max(SHORTEST, length / MOST_OVERLAP)
    if hop is not None and hop < least:
        raise ValueError(
            f"hop: received {hop:g} s; allowed: at least {least:g} s with segments of {length:g} s"
        )


class Representation(Protocol):
    """What makes the inputs of a network of segments."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def rate(self) -> float:
        """Samples a second of what is cut into segments."""

    @property
    def step(self) -> int:
        """Samples from one frame to the next."""

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each input made from a segment of `n_samples` samples."""

    def values(self, n_samples: int) -> int:
        """Return how many numbers the largest array on the way from a segment to its inputs has."""


def input_shapes(
    segment: Mapping[str, Any], representation: Representation
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each input of a network, batch axis left out; nothing is computed.

    Args:
        segment: a `SegmentRule`.
        representation: what makes the inputs.

    Raises:
        ConfigError: a segment is too short for a single frame or too long for memory, or frames are
            to be cut of something that has none.
    """
    length, name, rate = segment["length"], representation.name, representation.rate
    if length * rate > MOST_VALUES:
        raise ConfigError(
            f"segment.length: received {length:g} s; allowed: at most {MOST_VALUES / rate:g} s "
            f"({MOST_VALUES:,} samples)"
        )
    n_samples = max(1, round(length * rate))
    values = representation.values(n_samples)
    if values > MOST_VALUES:
        raise ConfigError(
            f"segment.length: received {length:g} s, which features={name} make {values:,} numbers "
            f"of; allowed: at most {MOST_VALUES:,}; use shorter segments, fewer bands or a larger "
            "hop_length"
        )
    shapes = representation.shapes(n_samples)
    if segment["source"] == "spectrogram":
        # The first axis of what can be cut grows with the audio.
        longer = representation.shapes(n_samples + 9 * representation.step)
        fixed = [key for key, shape in shapes.items() if shape == longer[key]]
        if fixed:
            raise ConfigError(
                f"segment.source: received 'spectrogram', but '{fixed[0]}' of features={name} has "
                "no frames to cut; use segment.source=audio"
            )
        frames = cut_of(segment, rate / representation.step, frames=True).length
        shapes = {key: (frames, *shape[1:]) for key, shape in shapes.items()}
    if any(0 in shape for shape in shapes.values()):
        raise ConfigError(
            f"segment.length: received {length:g} s, which is shorter than one frame of "
            f"features={name}; use longer segments"
        )
    return shapes


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
        import numpy as np

        return np.asarray(self._regular(total), np.int64)

    def covering(self, total: int) -> NDArray[np.int64]:
        """Return where segments begin that leave no gap and hold all but a negligible rest."""
        import numpy as np

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
    import numpy as np

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
    import numpy as np

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
    """Return the window of a representation (`sample_rate`, `hop_length`...) and segment rule.

    Raises:
        ConfigError: frames are cut, and the representation does not say what one of them holds.
    """
    rate, hop = features["sample_rate"], features["hop_length"]
    if segment["source"] == "audio":
        return AudioWindow(cut_of(segment, rate, frames=False).length, hop, 0)
    if not {"n_fft", "center"} <= features.keys():
        raise ConfigError(
            f"features={features['name']} does not say how many samples a frame holds (n_fft, "
            "center), which is needed for sound that is live or longer than half an hour where "
            "frames of a spectrogram are cut; give it shorter files, or train with "
            "segment.source=audio"
        )
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
        features, segment: what it was made of.
    """

    rate: int
    cut: Cut
    step: int
    in_frames: bool
    features: Mapping[str, Any] = field(repr=False)
    segment: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, features: Mapping[str, Any], segment: Mapping[str, Any]) -> SegmentGrid:
        """Return the grid of a representation (`sample_rate`, `hop_length`...) and segment rule."""
        in_frames = segment["source"] == "spectrogram"
        rate, step = int(features["sample_rate"]), int(features["hop_length"]) if in_frames else 1
        cut = cut_of(segment, rate / step, frames=in_frames)
        return cls(rate, cut, step, in_frames, features, segment)

    @cached_property
    def window(self) -> AudioWindow:
        """The samples that are looked at for one segment.

        Raises:
            ConfigError: see `audio_window`; whole files do not need it where frames are cut.
        """
        return audio_window(self.features, self.segment)

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
