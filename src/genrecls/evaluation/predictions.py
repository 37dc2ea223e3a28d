"""Probabilities of known examples, a segment or a track each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.votes import Vote, decide
from genrecls.runtime.abstention import HeldOutAnswers


@dataclass(frozen=True)
class Predictions:
    """What a model says about examples whose genre is known.

    Attributes:
        tracks: track id of each example.
        starts: start of each example in its track in seconds.
        truth: class index of each example.
        probabilities: shape (examples, classes).
        decisions: class index that is answered for each example, where that is not simply the
            most probable one.
    """

    tracks: tuple[str, ...]
    starts: NDArray[np.float64]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    decisions: NDArray[np.int64] | None = None

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Class index that is answered for each example."""
        if self.decisions is not None:
            return self.decisions
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the answer to each example is its genre; the mean is the accuracy."""
        return np.asarray(self.predicted == self.truth)


def rows_by_track(tracks: Sequence[str]) -> dict[str, list[int]]:
    """Return the rows of each track, by id, in the order in which tracks first appear."""
    rows: dict[str, list[int]] = {}
    for row, track in enumerate(tracks):
        rows.setdefault(track, []).append(row)
    return rows


def by_track(segments: Predictions, rule: Vote) -> Predictions:
    """Return one prediction a track, in the order in which tracks first appear.

    The probabilities are means whatever the rule: shares of votes would be no probabilities.
    """
    rows = rows_by_track(segments.tracks)
    pieces = [segments.probabilities[members] for members in rows.values()]
    return Predictions(
        tracks=tuple(rows),
        starts=np.zeros(len(rows)),
        truth=np.array([segments.truth[members[0]] for members in rows.values()]),
        probabilities=np.stack([of_track.mean(axis=0) for of_track in pieces]),
        decisions=np.array([decide(of_track, rule) for of_track in pieces]),
    )


def held_out_answers(part: str, tracks: Predictions) -> HeldOutAnswers:
    """Return the predictions of the tracks of a part as what a model file keeps of them."""
    return HeldOutAnswers.of(part, tracks.probabilities, tracks.predicted, tracks.truth)
