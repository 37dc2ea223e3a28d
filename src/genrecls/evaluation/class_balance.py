"""How unequal the genres are, and what always answering the most frequent one would score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.config.ranges import Proportion
from genrecls.splits.base import Part

REPORTED_RATIO = 1.5
"""Most frequent to least frequent genre from which on accuracy alone begins to mislead."""

_ADVICE = (
    "trainer.class_weights=balanced or trainer.batches=balanced gives rare genres their weight"
)


@dataclass(frozen=True)
class Balance:
    """Examples of each genre in one part of a split.

    Attributes:
        labels: genres in the order of the class indices.
        counts: number of examples of each.
    """

    labels: tuple[str, ...]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, targets: NDArray[np.int64], labels: Sequence[str]) -> Balance:
        """Return the balance of examples with these class indices."""
        return cls(tuple(labels), np.bincount(targets, minlength=len(labels)))

    @property
    def most(self) -> int:
        """Class index of the most frequent genre, the first of equals."""
        return int(self.counts.argmax())

    @property
    def least(self) -> int:
        """Class index of the rarest genre that there is an example of, the first of equals."""
        there = np.where(self.counts > 0, self.counts, np.iinfo(np.int64).max)
        return int(there.argmin())

    @property
    def ratio(self) -> float:
        """Examples of the most frequent genre for one of the rarest that there is."""
        return float(self.counts[self.most] / self.counts[self.least])

    def by_genre(self) -> dict[str, int]:
        """Return the number of examples by genre, as plain values."""
        return dict(zip(self.labels, self.counts.tolist(), strict=True))


@dataclass(frozen=True)
class MajorityBaseline:
    """What always answering the most frequent genre of the train part scores."""

    genre: str
    accuracy: Proportion
    macro_f1: Proportion


def balances(
    tracks: Sequence[str], targets: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, Balance]:
    """Return the balance of segments and of their tracks, as `segment` and `track`.

    Args:
        tracks: track id of each segment.
        targets: class index of each segment.
        labels: genres in the order of the class indices.
    """
    by_track = dict(zip(tracks, targets.tolist(), strict=True))
    return {
        "segment": Balance.of(targets, labels),
        "track": Balance.of(np.array([*by_track.values()], np.int64), labels),
    }


def majority_baselines(
    train: Mapping[str, Balance], scored: Mapping[str, Balance]
) -> dict[str, MajorityBaseline]:
    """Return `majority_baseline` of each unit, of balances as `balances` gives them."""
    return {unit: majority_baseline(train[unit], scored[unit]) for unit in scored}


def majority_baseline(train: Balance, scored: Balance) -> MajorityBaseline:
    """Return what always answering the most frequent genre of the train part scores.

    That genre has recall 1 and its share as precision; every other genre has F1 zero. The mean
    goes over the genres that occur, as in `evaluation.scores`.

    Args:
        train: of the train part, which alone decides the answer.
        scored: of the part that is scored.
    """
    share = float(scored.counts[train.most] / scored.counts.sum())
    present = int(np.count_nonzero(scored.counts))
    return MajorityBaseline(
        genre=train.labels[train.most],
        accuracy=share,
        macro_f1=2 * share / (1 + share) / present,
    )


def describe(
    targets: Mapping[Part, NDArray[np.int64]], labels: Sequence[str], weighed: bool = False
) -> str:
    """Return one line about unequal genres and what helps; empty where they are about equal.

    Args:
        targets: class index of each segment of the part `train`, and of `test` where there is one.
        labels: genres in the order of the class indices.
        weighed: whether class weights or balanced batches are chosen already.
    """
    train = Balance.of(targets["train"], labels)
    if train.ratio <= REPORTED_RATIO:
        return ""
    most, least = train.most, train.least
    score = ""
    if "test" in targets:
        baseline = majority_baseline(train, Balance.of(targets["test"], labels))
        score = f"always '{labels[most]}' would score {baseline.accuracy:.3f} per segment on test; "
    advice = "" if weighed else f"{_ADVICE}; "
    return (
        f"train part: {labels[most]} {train.counts[most]} ... {labels[least]} "
        f"{train.counts[least]} segments ({train.ratio:.{1 if train.ratio < 10 else 0}f} : 1); "
        f"{score}{advice}"
        "macro-F1 counts all genres alike"
    )
