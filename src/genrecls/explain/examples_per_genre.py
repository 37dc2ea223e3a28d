"""One segment a genre: what a network sees of it, and what decided about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.console import warn
from genrecls.explain.integrated_gradients import Explainer
from genrecls.explain.plot_data import Evidence, evidence_of, is_picture
from genrecls.features.base import FeatureSpec
from genrecls.models.cost import layer_costs
from genrecls.training.data import Examples, normalisation

if TYPE_CHECKING:
    import keras

# A quarter of what one explanation takes, and fewer for a large network: there is one a genre, and
# a report should not take long. So many multiply-accumulates are about a quarter of a minute of two
# cores. With 12 points the weights of musicnn correlate by 0.99 with those of 32, with 8 by 0.98.
_MOST_POINTS, _FEWEST_POINTS = 32, 8
_MULTIPLY_ACCUMULATES = 5e11
# Gradients take about twice what the answer takes.
_PASSES = 3


@dataclass(frozen=True)
class ExampleInputs:
    """What the model sees: one segment a genre.

    Attributes:
        pictures: genre to an array (frames, coefficients).
        axes: names of the two axes of every picture.
        seconds: length of a segment in seconds.
        part: part of the split that the segments are from.
    """

    pictures: Mapping[str, NDArray[np.floating[Any]]] = field(default_factory=dict)
    axes: tuple[str, str] = ("time", "coefficient")
    seconds: float = 1.0
    part: str = "test"


@dataclass(frozen=True)
class GenreExample:
    """One segment of known genre, and the evidence for the answer it was given."""

    track: str
    true: str
    predicted: str
    probability: float
    evidence: Evidence


def choose_examples(
    train: Examples, labels: Sequence[str], axes: tuple[str, str], seconds: float
) -> ExampleInputs:
    """Return the middle segment of the first track of each genre of the train part.

    It is standardised per coefficient, unless it is in colour; inputs that are no pictures give no
    examples.

    Args:
        train: the train part of the split.
        labels: the genres.
        axes: names of the axes of the inputs.
        seconds: length of a segment.
    """
    name, values = next(iter(train.inputs.items()))
    if values.ndim not in {3, 4}:
        return ExampleInputs()
    pictures = {labels[train.targets[row]]: values[row] for row in _middle_rows(train, len(labels))}
    if values.ndim == 3:
        statistics = normalisation(train)[name]
        pictures = {
            label: (picture - statistics.mean) / np.sqrt(statistics.variance)
            for label, picture in pictures.items()
        }
    return ExampleInputs(pictures, axes, seconds, "train")


def explain_examples(
    model: keras.Model, spec: FeatureSpec, examples: Examples, labels: Sequence[str], seconds: float
) -> list[GenreExample]:
    """Return what decided about the middle segment of the first track of each genre.

    Only what can be drawn over a picture is explained: nothing for networks that see none. Where a
    network cannot be explained, such as one with a layer without gradients, a warning says so and
    nothing is returned, because a report can do without.

    Args:
        model: the trained network.
        spec: what made the inputs.
        examples: a part of the split.
        labels: the genres.
        seconds: length of a segment.
    """
    if not any(is_picture(values[0]) for values in examples.inputs.values()):
        return []
    explained = []
    try:
        explainer = Explainer(model)
        work = _PASSES * len(labels) * max(1, sum(cost.macs for cost in layer_costs(model)))
        points = int(np.clip(_MULTIPLY_ACCUMULATES // work, _FEWEST_POINTS, _MOST_POINTS))
        for row in _middle_rows(examples, len(labels)):
            inputs = {name: values[row] for name, values in examples.inputs.items()}
            batch = {name: values[None] for name, values in inputs.items()}
            probabilities = np.asarray(model(batch, training=False))
            predicted = int(probabilities.argmax())
            weights = explainer.attribute(inputs, predicted, points).weights
            place = (float(examples.starts[row]), float(examples.starts[row]) + seconds)
            pictures = evidence_of(model, spec, inputs, weights, place)
            example = GenreExample(
                track=examples.tracks[row],
                true=labels[examples.targets[row]],
                predicted=labels[predicted],
                probability=float(probabilities.max()),
                evidence=next(picture for picture in pictures if picture.values.ndim == 2),
            )
            explained.append(example)
    except Exception as error:  # noqa: BLE001 - whatever a layer of the user's may raise
        warn(f"the report does not show what decided: {type(error).__name__}: {error}")
        return []
    return explained


def _middle_rows(examples: Examples, n_classes: int) -> Iterator[int]:
    """Yield the row of the middle segment of the first track of each class that has one."""
    tracks = np.asarray(examples.tracks)
    for target in range(n_classes):
        rows = np.flatnonzero(examples.targets == target)
        if len(rows):
            first = rows[tracks[rows] == tracks[rows[0]]]
            yield int(first[len(first) // 2])
