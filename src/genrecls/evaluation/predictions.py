"""Probabilities of known examples, a segment or a track each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vote = Literal["mean", "majority"]


@dataclass(frozen=True)
class Predictions:
    """What a model says about examples whose genre is known.

    Attributes:
        tracks: track id of each example.
        starts: start of each example in its track in seconds.
        truth: class index of each example.
        probabilities: shape (examples, classes).
    """

    tracks: tuple[str, ...]
    starts: NDArray[np.float64]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Class index with the largest probability of each example."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


def vote(probabilities: NDArray[np.float64], rule: Vote) -> NDArray[np.float64]:
    """Return the probabilities of a track from those of its segments, shape (classes,).

    `mean` averages; `majority` gives each genre its share of the segments' decisions, a tie being
    decided by the mean.
    """
    mean = probabilities.mean(axis=0)
    if rule == "mean":
        return np.asarray(mean)
    votes = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    # Far smaller than one vote, so that it only orders equal shares.
    shares = votes / len(probabilities) + 1e-9 * mean
    return np.asarray(shares / shares.sum())


def by_track(segments: Predictions, rule: Vote) -> Predictions:
    """Return one prediction a track, in the order in which tracks first appear."""
    rows: dict[str, list[int]] = {}
    for row, track in enumerate(segments.tracks):
        rows.setdefault(track, []).append(row)
    return Predictions(
        tracks=tuple(rows),
        starts=np.zeros(len(rows)),
        truth=np.array([segments.truth[members[0]] for members in rows.values()]),
        probabilities=np.stack(
            [vote(segments.probabilities[members], rule) for members in rows.values()]
        ),
    )
