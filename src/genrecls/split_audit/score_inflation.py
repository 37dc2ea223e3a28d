"""How much higher a score is with one split than with another, measured with a small model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray

from genrecls.evaluation.intervals import wilson
from genrecls.rng import stream
from genrecls.split_audit.scan import AudioScan
from genrecls.splits.base import Split, known_artists

MODELS: dict[str, str] = {
    "logistic": "logistic regression",
    "nearest": "nearest neighbour",
}
"""The classifiers, by the names of their scores. They have no settings to choose."""

DRAWS = 1000
MOST_STEPS = 500
"""Steps of the logistic regression, which is then about as good as it becomes."""


@dataclass(frozen=True)
class Estimate:
    """A mean over repeated seeds and its 95 % interval."""

    mean: float
    interval: tuple[float, float]


@dataclass(frozen=True, eq=False)
class SeedDecisions:
    """Which tracks were in the test part and which were decided rightly, seed by seed.

    Attributes:
        asked: shape (seeds, tracks), over all tracks of the data set.
        right: shape (seeds, tracks).
    """

    asked: NDArray[np.bool_]
    right: NDArray[np.bool_]


def decide(
    scan: AudioScan, splits: Sequence[Split], advance: Callable[[], None]
) -> dict[str, SeedDecisions]:
    """Train each of `MODELS` on the train part of each split and let it decide the test part.

    The validation part is not used, for there is nothing to select. A track is decided by the mean
    of its segments in the test part, as in a run.

    Args:
        scan: the tracks that can be used.
        splits: one a seed; splits that are equal are tried once.
        advance: called after each split.
    """
    rows = {track: number for number, track in enumerate(scan.recordings)}
    shape = (len(splits), len(rows))
    made = {name: SeedDecisions(np.zeros(shape, bool), np.zeros(shape, bool)) for name in MODELS}
    tried: dict[str, int] = {}
    for number, split in enumerate(splits):
        parts = (sorted(split.parts["train"].items()), sorted(split.parts["test"].items()))
        content = repr([[(track, array.tolist()) for track, array in part] for part in parts])
        before = tried.setdefault(content, number)
        for name in MODELS:
            asked, right = made[name].asked, made[name].right
            if before < number:
                asked[number], right[number] = asked[before], right[before]
                continue
            for track, correct in _test(scan, split, name).items():
                asked[number, rows[track]], right[number, rows[track]] = True, correct
        advance()
    return made


def _test(scan: AudioScan, split: Split, name: str) -> dict[str, bool]:
    """Return, for each track of the test part, whether the trained model decides it rightly."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = (
        LogisticRegression(max_iter=MOST_STEPS)
        if name == "logistic"
        else KNeighborsClassifier(n_neighbors=1, algorithm="brute")
    )
    model = make_pipeline(StandardScaler(), classifier)
    inputs, tracks = _segments_of(scan, split.parts["train"])
    labels = {track.id: track.label for track in scan.dataset.tracks}
    with warnings.catch_warnings():
        # A small model that is not quite at its best tells the same.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(inputs, [labels[track] for track in tracks])
    inputs, tracks = _segments_of(scan, split.parts["test"])
    shares = model.predict_proba(inputs)
    return {
        track: model.classes_[shares[tracks == track].mean(axis=0).argmax()] == labels[track]
        for track in split.parts["test"]
    }


def _segments_of(
    scan: AudioScan, part: Mapping[str, NDArray[np.int64]]
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Return the statistics of the segments of a part, and the track id of each."""
    chosen = [scan.recordings[track].statistics[indices] for track, indices in part.items()]
    return np.concatenate(chosen), np.repeat(list(part), [len(each) for each in chosen])


@dataclass(frozen=True, eq=False)
class Resampling:
    """Draws with replacement of what may differ next time: the artists and the seeds.

    A track without a known artist counts as an artist of its own. All splits see the same draws of
    artists, so that differences between them are those of the same tracks.

    Attributes:
        groups: number of the artist of each track, shape (tracks,).
        seed: of the draws.
    """

    groups: NDArray[np.int64]
    seed: int

    @classmethod
    def of(cls, scan: AudioScan, seed: int) -> Resampling:
        """Return the draws for a data set."""
        artists = known_artists(scan.dataset.tracks)
        # No artist has an empty string within.
        names = [artists.get(track, f"\0{track}") for track in scan.recordings]
        return cls(np.unique(names, return_inverse=True)[1].astype(np.int64), seed)

    def scores(self, decisions: SeedDecisions) -> NDArray[np.float64]:
        """Return the accuracy of the mean seed in each draw, shape (DRAWS,)."""
        many = int(self.groups.max()) + 1
        right, asked = (
            np.asarray(
                [np.bincount(self.groups, weights=row, minlength=many) for row in array]
            ).astype(np.int64)
            for array in (decisions.right, decisions.asked)
        )
        # A draw without any artist of a test part says nothing of it: the part counts as it is.
        whole = decisions.right.sum(axis=1) / decisions.asked.sum(axis=1)
        artists, seeds = stream(self.seed, "artists"), stream(self.seed, "seeds")
        draws = np.empty(DRAWS)
        for number in range(DRAWS):
            weights = np.bincount(artists.integers(many, size=many), minlength=many)
            chosen = seeds.integers(len(right), size=len(right))
            total = asked @ weights
            shares = np.divide(right @ weights, total, where=total > 0, out=whole.copy())
            draws[number] = shares[chosen].mean()
        return draws

    def accuracy(self, decisions: SeedDecisions) -> Estimate:
        """Return the accuracy with its interval, never narrower than so few artists allow."""
        mean = accuracy(decisions)
        below, above = self._reach(decisions)
        low, high = estimate(mean, self.scores(decisions)).interval
        return Estimate(mean, (min(low, mean - below), max(high, mean + above)))

    def inflation(self, own: SeedDecisions, honest: SeedDecisions) -> Estimate:
        """Return how much higher one accuracy is than another, likewise."""
        less = accuracy(own) - accuracy(honest)
        low, high = estimate(less, self.scores(own) - self.scores(honest)).interval
        (own_below, own_above), (below, above) = self._reach(own), self._reach(honest)
        # Of a difference of two independent figures the squares of what they may be off add up.
        least_low, least_high = less - hypot(own_below, above), less + hypot(own_above, below)
        return Estimate(less, (min(low, max(-1.0, least_low)), max(high, min(1.0, least_high))))

    def _reach(self, decisions: SeedDecisions) -> tuple[float, float]:
        """Return how far below and above an accuracy so few artists leave it open, at least."""
        mean = accuracy(decisions)
        low, high = wilson(mean, len(np.unique(self.groups[decisions.asked.any(axis=0)])))
        return mean - low, high - mean


def accuracy(decisions: SeedDecisions) -> float:
    """Return the share of right decisions, mean over the seeds."""
    return float((decisions.right.sum(axis=1) / decisions.asked.sum(axis=1)).mean())


def estimate(mean: float, draws: NDArray[np.float64]) -> Estimate:
    """Return a mean with the middle 95 % of its draws."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(mean, (float(low), float(high)))
