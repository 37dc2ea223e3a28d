"""Probabilities of several models put together, wherever each of them cuts its segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genrecls.evaluation.predictions import Predictions, rows_by_track


@dataclass(frozen=True, eq=False)
class TrackAnswers:
    """What one model says of the segments of one track.

    Attributes:
        centres: middle of each segment in seconds.
        probabilities: shape (segments, classes).
    """

    centres: NDArray[np.float64]
    probabilities: NDArray[np.float64]


def average_track(models: Sequence[TrackAnswers]) -> NDArray[np.float64]:
    """Return the mean probabilities of the segments of the first model.

    Of the others each takes part with its segment whose middle is nearest; models that cut alike
    are averaged segment by segment.
    """
    first = models[0].centres
    taken = []
    for model in models:
        nearest = np.abs(model.centres - first[:, None]).argmin(axis=1)
        taken.append(model.probabilities[nearest])
    return np.asarray(np.mean(taken, axis=0))


def average(models: Sequence[Predictions], lengths: Sequence[float]) -> Predictions:
    """Return the mean of what several models say of the same tracks, a row a row of the first.

    Args:
        models: predictions of segments, or of whole tracks.
        lengths: seconds of a segment of each model; 0 for tracks.
    """
    first = models[0]
    rows = [rows_by_track(model.tracks) for model in models]
    probabilities = np.empty_like(first.probabilities)
    for track, own in rows[0].items():
        answers = [
            TrackAnswers(m.starts[r[track]] + length / 2, m.probabilities[r[track]])
            for m, r, length in zip(models, rows, lengths, strict=True)
        ]
        probabilities[own] = average_track(answers)
    return replace(first, probabilities=probabilities, decisions=None)
