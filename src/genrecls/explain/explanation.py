"""From a classifier and an audio file to what decided about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.console import quiet_libraries
from genrecls.datasets.base import Track
from genrecls.dsp.audio import AudioLimits
from genrecls.errors import ConfigError, DataError, nearest
from genrecls.explain.explained import Explanation
from genrecls.explain.integrated_gradients import attribute
from genrecls.explain.layers import activations, chosen_layers, first_kernel
from genrecls.explain.plot_data import drawn
from genrecls.inference.keras_classifier import KerasClassifier
from genrecls.runtime.result import Result


@dataclass(frozen=True)
class Question:
    """What is to be explained.

    Attributes:
        layers: names of the layers whose activations are wanted; None for those that tell most.
        genre: name of the genre; None for the answer.
        start: second of the file; None for the segment that is surest of the genre.
    """

    layers: tuple[str, ...] | None = None
    genre: str | None = None
    start: float | None = None


def explain(classifier: KerasClassifier, path: Path, question: Question) -> Explanation:
    """Return what decided about one segment of a file.

    Raises:
        ConfigError: the question names a layer, genre or moment that does not exist.
        DataError: the file cannot be used.
    """
    card, model = classifier.card, classifier.model
    layers = chosen_layers(model, question.layers)
    genre = None if question.genre is None else _genre(question.genre, card.labels)
    result = classifier.classify(path)
    if result.error is not None:
        raise DataError(f"{path}: {result.error}")
    genre = result.decision if genre is None else genre
    row = _segment(result, genre, question.start)
    inputs = _inputs(classifier, path, row)
    found = attribute(model, inputs, genre)
    place = (float(result.starts[row]), float(result.starts[row]) + card.segment.length)
    return Explanation(
        file=path.name,
        model=classifier.describe().removeprefix("model "),
        leaky="track" in card.leaks,
        labels=card.labels,
        decision=result.decision,
        genre=genre,
        whole=result.probabilities,
        segment=result.segments[row],
        place=(float(result.starts[row]), float(result.ends[row])),
        odds=(found.before, found.after),
        gap=found.gap,
        evidence=tuple(drawn(model, card.features, inputs, found.weights, place)),
        activations=activations(model, inputs, layers),
        kernel=first_kernel(model),
    )


def _genre(name: str, labels: Sequence[str]) -> int:
    if name not in labels:
        raise ConfigError(
            f"--genre: received '{name}'; allowed: {', '.join(labels)}{nearest(name, labels)}"
        )
    return list(labels).index(name)


def _segment(result: Result, genre: int, start: float | None) -> int:
    """Return the index of the segment to explain."""
    if start is None:
        return int(result.segments[:, genre].argmax())
    heard = np.flatnonzero((result.starts <= start) & (start < result.ends))
    if not len(heard):
        raise ConfigError(
            f"--start: received {start:g}; allowed: a second of the file that the model hears, "
            f"from 0 to {result.ends.max():.2f}"
        )
    return int(heard[-1])


def _inputs(classifier: KerasClassifier, path: Path, row: int) -> dict[str, NDArray[np.float32]]:
    """Return the inputs of one segment; a prediction keeps no inputs, so the file is read again."""
    spec = classifier.card.features
    with quiet_libraries():
        samples = spec.read(Track(path.name, path, label=""), AudioLimits())
    segments = classifier.card.segment.cover(samples, spec)
    return {name: values[row] for name, values in segments.inputs.items()}
