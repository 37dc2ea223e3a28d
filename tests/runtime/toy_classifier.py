"""A classifier without a network, whose answers show which samples it was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.features.base import Inputs
from genrecls.features.mel import Mel
from genrecls.features.segmentation import SegmentRule
from genrecls.inference.front_end import FeatureFrontEnd
from genrecls.runtime.classifier import Classifier
from genrecls.runtime.description import ModelDescription

RATE = 4000
SPEC = Mel(
    name="mel",
    sample_rate=RATE,
    hop_length=50,
    n_fft=128,
    window="hann",
    center=True,
    power=2,
    n_mels=8,
    fmin=0.0,
    fmax=None,
    mel_scale="slaney",
    mel_norm="slaney",
    ref=1.0,
    amin=1e-10,
    top_db=None,
)
RULE = SegmentRule(length=0.5, hop=None, count=None, min_fill=0.99, source="audio")


@dataclass(frozen=True)
class BandShares:
    """Answers with the share of each mel band, which no two segments of noise have alike."""

    spec: Mel
    rule: SegmentRule

    takes_samples = False
    rounding = 0.0

    @property
    def description(self) -> ModelDescription:
        test = {"track": {"accuracy": 1.0}}
        named = dict.fromkeys(("run", "dataset", "split"), "toy")
        card = {**named, "labels": "abcdefgh", "vote": "mean", "leaks": (), "generated": True}
        return ModelDescription.of({**card, "test": test})

    @property
    def front_end(self) -> FeatureFrontEnd:
        return FeatureFrontEnd(self.spec)

    @property
    def segment(self) -> Mapping[str, Any]:
        return asdict(self.rule)

    def probabilities(self, inputs: Inputs) -> NDArray[np.float64]:
        return band_shares(inputs)


def toy_classifier(spec: Mel = SPEC, rule: SegmentRule = RULE) -> Classifier:
    return Classifier(BandShares(spec, rule))


def band_shares(inputs: Inputs) -> NDArray[np.float64]:
    # Decibels, so that all are above 0.
    bands = 200 + inputs["mel"].mean(axis=1, dtype=np.float64)
    return np.asarray(bands / bands.sum(axis=1, keepdims=True))
