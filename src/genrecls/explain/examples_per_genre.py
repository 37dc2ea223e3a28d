"""What decided about one segment a genre of a part whose genres are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from genrecls.explain.explained import Case
from genrecls.explain.integrated_gradients import Explainer
from genrecls.explain.plot_data import drawn, is_picture
from genrecls.features.base import FeatureSpec
from genrecls.training.data import Examples

if TYPE_CHECKING:
    import keras

# A quarter of what one explanation takes: there are many, and a report is not to be waited for.
_POINTS = 32


def cases(
    model: keras.Model, spec: FeatureSpec, examples: Examples, labels: Sequence[str], seconds: float
) -> list[Case]:
    """Return what decided about the middle segment of the first track of each genre.

    Only what can be drawn over a picture is explained: nothing for networks that see none.

    Args:
        model: the trained network.
        spec: what made the inputs.
        examples: a part of the split.
        labels: the genres.
        seconds: length of a segment.
    """
    if not any(is_picture(values[0]) for values in examples.inputs.values()):
        return []
    found, explainer = [], Explainer(model)
    for row in _middle_rows(examples, len(labels)):
        inputs = {name: values[row] for name, values in examples.inputs.items()}
        probabilities = np.asarray(model({n: v[None] for n, v in inputs.items()}, training=False))
        predicted = int(probabilities.argmax())
        weights = explainer.attribute(inputs, predicted, _POINTS).weights
        place = (float(examples.starts[row]), float(examples.starts[row]) + seconds)
        pictures = drawn(model, spec, inputs, weights, place)
        case = Case(
            track=examples.tracks[row],
            true=labels[examples.targets[row]],
            predicted=labels[predicted],
            probability=float(probabilities.max()),
            evidence=next(picture for picture in pictures if picture.values.ndim == 2),
        )
        found.append(case)
    return found


def _middle_rows(examples: Examples, n_classes: int) -> Iterator[int]:
    """Yield the row of the middle segment of the first track of each class that has one."""
    tracks = np.asarray(examples.tracks)
    for target in range(n_classes):
        rows = np.flatnonzero(examples.targets == target)
        if len(rows):
            first = rows[tracks[rows] == tracks[rows[0]]]
            yield int(first[len(first) // 2])
