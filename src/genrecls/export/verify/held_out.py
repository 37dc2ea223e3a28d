"""What a model and its exported files answer to the segments that did not train it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genrecls.console import progress, quiet_libraries
from genrecls.datasets.base import Dataset
from genrecls.dsp.segments import AudioWindow
from genrecls.evaluation.predictions import Predictions
from genrecls.features.base import FeatureSpec, Inputs
from genrecls.features.segmentation import SegmentRule
from genrecls.splits.base import Part
from genrecls.training.data import Examples

if TYPE_CHECKING:
    from genrecls.runtime.network import Network

# Windows of audio are made for so many segments at a time: one of 3 s is a quarter of a megabyte.
_BATCH = 64


@dataclass(frozen=True)
class HeldOut:
    """The segments of the validation and test parts, as inputs and as audio.

    Attributes:
        examples: of both parts, in the order of `EVALUATED_PARTS`; of a refit its train part.
        dataset: where their audio is.
        features: what made the inputs.
        segment: how tracks were cut.
        window: the samples of one segment, for files that take audio; None where there are none.
    """

    examples: Mapping[Part, Examples]
    dataset: Dataset
    features: FeatureSpec
    segment: SegmentRule
    window: AudioWindow | None

    def answers(self, network: Network, title: str) -> dict[Part, Predictions]:
        """Return what an exported file answers, to features or to audio."""
        total = sum(-(-len(examples) // _BATCH) for examples in self.examples.values())
        answers: dict[Part, Predictions] = {}
        with progress(f"Comparing {title}", total) as advance:
            for part, given in self.examples.items():
                batches = []
                for inputs in self.inputs(network, given):
                    batches.append(network.probabilities(inputs))
                    advance()
                answers[part] = Predictions(
                    given.tracks, given.starts, given.targets, np.concatenate(batches)
                )
        return answers

    def inputs(self, network: Network, examples: Examples) -> Iterator[Inputs]:
        """Yield what a file takes of `examples`, some at a time: features, or windows of audio.

        Each track is decoded once in a row.
        """
        window, tracks = self.window, {track.id: track for track in self.dataset.tracks}
        current, padded = "", np.zeros(0, np.float32)
        for start in range(0, len(examples), _BATCH):
            batch = slice(start, start + _BATCH)
            if "audio" not in network.inputs:
                yield {name: values[batch] for name, values in examples.inputs.items()}
                continue
            if window is None:
                raise ValueError(f"features={self.features.name} have no files that take audio")
            windows = []
            for track, begin in zip(examples.tracks[batch], examples.starts[batch], strict=True):
                if track != current:
                    current = track
                    with quiet_libraries():
                        samples = self.features.read(tracks[current], self.dataset.limits)
                    samples = self.segment.filled(samples, self.features)
                    # A window begins before its segment and may end after the track: zeros there.
                    padded = np.pad(samples, (window.margin, window.length))
                first = round(float(begin) * self.features.rate)
                windows.append(padded[first : first + window.length])
            yield {"audio": np.stack(windows)}
