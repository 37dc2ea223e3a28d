"""A trained model in an exported file: from an audio file to its genre without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.audio import AudioLimits, AudioRejected, read
from genrecls.dsp.segments import (
    audio_window,
    cut_of,
    frames_within,
    repeated,
    samples_holding,
    windows,
)
from genrecls.errors import ModelFileError, RunError
from genrecls.runtime.container import unpack
from genrecls.runtime.description import leak_mark
from genrecls.runtime.front_end import FrontEnd, front_end_of
from genrecls.runtime.network import Network
from genrecls.runtime.result import Result, result_of

Inputs = dict[str, NDArray[np.float32]]
Starts = NDArray[np.int64]

# Segments that are transformed at once: those of a long recording would not fit into memory.
_AT_ONCE = 64


class TFLiteClassifier:
    """An exported model that classifies audio, whether it takes samples or features.

    Args:
        network: the network.
        card: what the file says of itself.

    Attributes:
        card: plain values, as in the file.
        labels: genres in the order of the probabilities.
        features: settings of the representation; of the picture, where there are two.
        segment: settings of the segment rule.
        window: samples of one segment and how they lie in the audio.
    """

    def __init__(self, network: Network, card: Mapping[str, Any]) -> None:
        self.network, self.card = network, card
        self.labels = tuple(str(label) for label in card["labels"])
        features: Mapping[str, Any] = card["features"]
        self.features = features.get("picture", features)
        self.segment: Mapping[str, Any] = card["segment"]
        self.window = audio_window(self.features, self.segment)
        self._in_frames = self.segment["source"] == "spectrogram"
        self._step = int(self.features["hop_length"]) if self._in_frames else 1
        self._cut = cut_of(self.segment, self.sample_rate / self._step, frames=self._in_frames)

    @classmethod
    def load(cls, path: Path, threads: int = 1) -> TFLiteClassifier:
        """Return the classifier in an exported file.

        Args:
            path: a `.tflite` file.
            threads: how many the runtime may use.

        Raises:
            ModelFileError: it cannot be read, or this runtime cannot run it.
            RunError: it takes something else than audio, or something is not installed.
        """
        flatbuffer, card = unpack(path)
        try:
            if card["input"] == "features":
                front_end_of(card)
            found = cls(Network(flatbuffer, threads), card)
            found.describe()
            found._check_match()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"{path}: its description cannot be understood ({type(error).__name__}: {error}); "
                "export it again"
            ) from None
        except (ModelFileError, RunError) as error:
            raise type(error)(f"{path}: {error}") from None
        return found

    def _check_match(self) -> None:
        """Refuse a network that does not take and give what its card says."""
        taken, described = sorted(self.network.inputs), sorted(self.card["inputs"])
        if taken != described:
            raise ModelFileError(
                f"it takes {', '.join(taken)} but its description says {', '.join(described)}; "
                "export it again"
            )
        outputs = self.network.output["shape"]
        if outputs != [len(self.labels)]:
            raise ModelFileError(
                f"{outputs[-1]} outputs but {len(self.labels)} labels; export it again"
            )

    @property
    def sample_rate(self) -> int:
        """Rate in Hz that audio is resampled to."""
        return int(self.features["sample_rate"])

    @property
    def segment_samples(self) -> int:
        """Samples of one window."""
        return self.window.length

    @property
    def segment_seconds(self) -> float:
        """Length of a segment in seconds."""
        return self._cut.length * self._step / self.sample_rate

    @property
    def _split(self) -> str:
        return f"split {self.card['split']}{leak_mark(self.card['leaks'])}"

    @property
    def about(self) -> str:
        """The run and how its data were split."""
        generated = " · trained on generated data" if self.card["generated"] else ""
        return f"{self.card['run']} · {self._split}{generated}"

    @cached_property
    def _front_end(self) -> FrontEnd:
        """What makes the inputs of a whole track."""
        return front_end_of(self.card)

    @cached_property
    def _window_front_end(self) -> FrontEnd:
        """What makes the inputs of windows, which bring their margin with them."""
        if not self._in_frames:
            return self._front_end
        return front_end_of({**self.card, "features": {**self.features, "center": False}})

    def describe(self) -> str:
        """Return in one line what the model is and how far it can be trusted."""
        card, score = self.card, self.card["test"]["track"]["accuracy"]
        generated = "; trained on generated data, not real music" if card["generated"] else ""
        return (
            f"model {card['run']} ({card['input']} {card['mode']}): accuracy {score:.3f} per "
            f"track on the test part of {card['dataset']} ({self._split}){generated}"
        )

    def classify(self, path: Path) -> Result:
        """Return the probabilities of one file, of any length; a bad file gives its reason."""
        try:
            samples = read(path, self.sample_rate, AudioLimits())
        except AudioRejected as reason:
            return Result(path, error=f"{reason.code}: {reason.detail}")
        batches = self.track_inputs(samples)
        found = np.concatenate([self.network.probabilities(batch) for batch in batches])
        starts = self._covered(samples)[1] * self._step / self.sample_rate
        seconds = len(samples) / self.sample_rate
        return result_of(path, self.card["vote"], found, starts, self.segment_seconds, seconds)

    def track_inputs(self, samples: NDArray[np.float32]) -> Iterator[Inputs]:
        """Yield what the network takes for the segments of a whole track, some at a time.

        The track is cut as `SegmentRule.cover` does it.
        """
        track, starts = self._covered(samples)
        if self._in_frames and self.card["input"] == "features":
            yield self._cut_frames(track, starts)
            return
        track = np.pad(track, self.window.margin)
        for first in range(0, len(starts), _AT_ONCE):
            places = starts[first : first + _AT_ONCE] * self._step
            yield self.inputs(windows(track, places, self.window.length))

    def inputs(self, audio: NDArray[np.float32]) -> Inputs:
        """Return what the network takes for windows of samples, shape (segments, samples)."""
        if self.card["input"] == "audio":
            return {"audio": audio}
        return self._window_front_end.transform(audio)

    def probabilities(self, audio: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probabilities of windows of samples.

        Args:
            audio: shape (segments, `segment_samples`); where `window.margin` is not 0 each window
                begins so many samples before its segment.

        Returns:
            Shape (segments, classes).
        """
        return self.network.probabilities(self.inputs(audio))

    def _covered(self, samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], Starts]:
        """Return the track, repeated where it is too short, and where its segments start."""
        cut, frames_of = self._cut, partial(frames_within, features=self.features)
        if not self._in_frames:
            track = repeated(samples, cut.length, cut.needed)
            return track, cut.covering(len(track))
        enough = (samples_holding(n, self._step, frames_of) for n in (cut.length, cut.needed))
        track = repeated(samples, *enough)
        return track, cut.covering(frames_of(len(track)))

    def _cut_frames(self, track: NDArray[np.float32], starts: Starts) -> Inputs:
        """Return segments of the frames of the whole track; a short rest is filled with silence."""
        length = self._cut.length
        total = frames_within(len(track), self.features)
        missing = max(0, int(starts[-1]) + length - total) * self._step
        whole = self._front_end.transform(np.pad(track, (0, missing))[None])
        return {name: windows(values[0], starts, length) for name, values in whole.items()}
