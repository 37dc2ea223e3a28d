"""`genrecls predict --live`: listening with a model of either kind."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import RunError
from genrecls.inference.keras_classifier import FileClassifier, KerasClassifier
from genrecls.runtime.classifier import TFLiteClassifier
from genrecls.runtime.live_command import run_live


def listen_with(options: argparse.Namespace, classifier: FileClassifier) -> int:
    """Print the genre over time and return the exit status.

    Raises:
        GenreclsError: the options or the source cannot be.
    """
    if isinstance(classifier, KerasClassifier):
        return run_live(options, _KerasListener(classifier))
    if isinstance(classifier, TFLiteClassifier):
        return run_live(options, classifier)
    raise RunError(f"--live: {type(classifier).__name__} takes no windows of samples")


@dataclass(frozen=True)
class _KerasListener:
    """A Keras model that takes windows of samples, as an exported one does."""

    classifier: KerasClassifier

    @property
    def labels(self) -> tuple[str, ...]:
        return self.classifier.card.labels

    @property
    def features(self) -> Mapping[str, Any]:
        spec = self.classifier.card.features
        # A representation of several parts, such as `multi_input`, has these only as properties.
        return {**asdict(spec), "sample_rate": round(spec.rate), "hop_length": spec.step}

    @property
    def segment(self) -> Mapping[str, Any]:
        return asdict(self.classifier.card.segment)

    def probabilities(self, windows: NDArray[np.float32]) -> NDArray[np.float64]:
        from genrecls.features.mel import MelSettings

        spec, rule = self.classifier.card.features, self.classifier.card.segment
        if rule.source == "spectrogram" and isinstance(spec, MelSettings):
            # The window holds what lies around its first and last frame.
            spec = replace(spec, center=False)
        found = self.classifier.model.predict(spec.transform(windows), verbose=0)
        return np.asarray(found, np.float64)
