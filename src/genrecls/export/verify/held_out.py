"""What a model and its exported files answer to the segments that did not train it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genrecls.console import progress, quiet_libraries
from genrecls.datasets.base import Dataset, Track
from genrecls.dsp.segments import AudioWindow
from genrecls.evaluation.predictions import Predictions
from genrecls.features.base import FeatureSpec, Inputs
from genrecls.splits.base import Part
from genrecls.training.data import Examples

if TYPE_CHECKING:
    from genrecls.runtime.network import Network

PARTS: tuple[Part, ...] = ("validation", "test")

# Windows of audio are made for so many segments at a time: one of 3 s is a quarter of a megabyte.
_BATCH = 64


@dataclass(frozen=True)
class HeldOut:
    """The segments of the validation and test parts, as inputs and as audio.

    Attributes:
        examples: of both parts, in the order of `PARTS`.
        dataset: where their audio is.
        features: what made the inputs.
        window: what a file takes that takes audio; None where there is none.
    """

    examples: Mapping[Part, Examples]
    dataset: Dataset
    features: FeatureSpec
    window: AudioWindow | None

    def answers(self, network: Network, title: str) -> dict[Part, Predictions]:
        """Return what an exported file answers, to features or to audio."""
        total = sum(-(-len(found) // _BATCH) for found in self.examples.values())
        with progress(f"Comparing {title}", total) as advance:
            return {
                part: self._of_part(network, found, advance)
                for part, found in self.examples.items()
            }

    def _of_part(
        self, network: Network, examples: Examples, advance: Callable[[], None]
    ) -> Predictions:
        found = []
        for batch in self.inputs(network, examples):
            found.append(network.probabilities(batch))
            advance()
        return Predictions(
            examples.tracks, examples.starts, examples.targets, np.concatenate(found)
        )

    def inputs(self, network: Network, examples: Examples) -> Iterator[Inputs]:
        """Yield what a file takes of `examples`, some at a time."""
        return self._audio(examples) if "audio" in network.inputs else _slices(examples)

    def _audio(self, examples: Examples) -> Iterator[Inputs]:
        """Yield the same segments as windows of audio; each track is decoded once in a row."""
        window, tracks = self.window, {track.id: track for track in self.dataset.tracks}
        if window is None:
            raise ValueError(f"features={self.features.name} have no files that take audio")
        name, samples = "", np.zeros(0, np.float32)
        for start in range(0, len(examples), _BATCH):
            windows = []
            for row in range(start, min(start + _BATCH, len(examples))):
                if examples.tracks[row] != name:
                    name = examples.tracks[row]
                    samples = self._read(tracks[name])
                first = round(float(examples.starts[row]) * self.features.rate)
                windows.append(_cut_out(samples, first - window.margin, window.length))
            yield {"audio": np.stack(windows)}

    def _read(self, track: Track) -> NDArray[np.float32]:
        with quiet_libraries():
            return self.features.read(track, self.dataset.limits)


def pooled(answers: Mapping[Part, Predictions]) -> Predictions:
    """Return the answers of all parts as one; a track may have segments in several."""
    found = list(answers.values())
    return Predictions(
        tracks=tuple(track for one in found for track in one.tracks),
        starts=np.concatenate([one.starts for one in found]),
        truth=np.concatenate([one.truth for one in found]),
        probabilities=np.concatenate([one.probabilities for one in found]),
    )


def _slices(examples: Examples) -> Iterator[Inputs]:
    for start in range(0, len(examples), _BATCH):
        yield {name: values[start : start + _BATCH] for name, values in examples.inputs.items()}


def _cut_out(samples: NDArray[np.float32], first: int, length: int) -> NDArray[np.float32]:
    """Return `length` samples from `first`, which may lie before the beginning; zeros beyond."""
    window = np.zeros(length, np.float32)
    held = samples[max(0, first) : max(0, first + length)]
    before = max(0, -first)
    window[before : before + len(held)] = held
    return window
