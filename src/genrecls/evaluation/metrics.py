"""Scores of predictions: accuracy with its interval, F1, ROC-AUC, log loss, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, NonNegativeFloat

from genrecls.config.ranges import Count, Proportion
from genrecls.evaluation.intervals import Sampling
from genrecls.evaluation.predictions import Predictions

CALIBRATION_BINS = 15
FEWEST_FOR_CALIBRATION = 500
"""Independent examples below which the calibration error says little.

A model that is perfectly calibrated has one of about 1.15 divided by the root of their number:
0.05 on 500, 0.11 on 100 (`python scripts/score_noise.py`). That is as much as badly calibrated
networks have (0.04 to 0.17 in Guo et al. 2017).
"""


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    if low > high:
        raise ValueError(f"expected the lower bound first, received {low:g} and {high:g}")
    return bounds


Interval = Annotated[tuple[Proportion, Proportion], AfterValidator(_ordered)]
"""The lower and the upper bound of a proportion."""


@dataclass(frozen=True)
class GenreScores:
    """Scores of one genre; `support` is the number of its examples."""

    precision: Proportion
    recall: Proportion
    f1: Proportion
    support: Count


@dataclass(frozen=True)
class CalibrationBin:
    """The examples whose highest probability lies in one of 15 equal bins.

    Attributes:
        count: number of examples.
        confidence: mean of their highest probabilities; None without examples.
        accuracy: share of them whose most probable genre is right; None without examples.
    """

    count: Count
    confidence: Proportion | None
    accuracy: Proportion | None


@dataclass(frozen=True)
class Scores:
    """Scores of one part of a split, per segment or per track.

    What stands behind `per_genre` is None in files of version 1.

    Attributes:
        count: number of examples.
        accuracy_interval: 95 % interval of the accuracy.
        macro_f1: mean of F1 over the genres that occur.
        top3_accuracy: share of examples whose genre is among the three most probable ones; None
            with three genres or fewer.
        roc_auc: mean one-against-rest area under the ROC curve, over the genres that occur; None
            with a single genre.
        log_loss: mean negative logarithm of the probability of the true genre, in nats.
        calibration_error: expected calibration error over 15 bins.
        confusion: examples of each true genre (rows) by predicted genre (columns).
        per_genre: scores of each genre by its label.
        macro_f1_interval: 95 % interval of macro-F1.
        cluster: what the intervals take as independent of each other: tracks, or artists where
            the split keeps artists apart.
        clusters: number of these tracks or artists.
        absent: genres without examples, which macro-F1 and ROC-AUC leave out.
        calibration: the 15 bins, from the lowest probabilities to the highest.
    """

    count: Count
    accuracy: Proportion
    accuracy_interval: Interval
    macro_f1: Proportion
    top3_accuracy: Proportion | None
    roc_auc: Proportion | None
    log_loss: NonNegativeFloat
    calibration_error: Proportion
    confusion: tuple[tuple[Count, ...], ...]
    per_genre: Mapping[str, GenreScores]
    macro_f1_interval: Interval | None = None
    cluster: Literal["track", "artist"] | None = None
    clusters: Count | None = None
    absent: tuple[str, ...] | None = None
    calibration: tuple[CalibrationBin, ...] | None = None

    @property
    def left_out(self) -> tuple[str, ...]:
        """Genres without examples, of files of version 1 too."""
        return tuple(genre for genre, scores in self.per_genre.items() if not scores.support)

    @property
    def shown_calibration_error(self) -> float | None:
        """The calibration error, where there are enough independent examples for it."""
        independent = self.count if self.clusters is None else self.clusters
        return self.calibration_error if independent >= FEWEST_FOR_CALIBRATION else None


def scores(
    predictions: Predictions, labels: Sequence[str], artists: Mapping[str, str] | None = None
) -> Scores:
    """Return all scores of `predictions`.

    Averages over genres (macro-F1, ROC-AUC) go over the genres that occur in the truth, so that a
    genre without examples neither helps nor harms.

    Args:
        predictions: one row a segment or a track.
        labels: genres in the order of the class indices.
        artists: artist of each track id, where a split kept artists apart: tracks of one artist
            are no independent examples then. A track without an artist stands for itself.
    """
    from sklearn import metrics

    truth, predicted = predictions.truth, predictions.predicted
    probabilities, classes = predictions.probabilities, np.arange(len(labels))
    present = np.unique(truth)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truth, predicted, labels=classes, zero_division=0
    )
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :3]
    true_probabilities = probabilities[np.arange(len(truth)), truth]
    confusion = metrics.confusion_matrix(truth, predicted, labels=classes)
    accuracy, macro_f1 = float(predictions.right.mean()), float(f1[present].mean())
    clusters = _clusters(predictions.tracks, artists or {})
    return Scores(
        count=len(truth),
        accuracy=accuracy,
        accuracy_interval=_accuracy_sampling(predictions, clusters).interval(accuracy),
        macro_f1=macro_f1,
        # Among three genres any answer would be right.
        top3_accuracy=float((best == truth[:, None]).any(axis=1).mean())
        if len(labels) > 3
        else None,
        roc_auc=roc_auc(probabilities, truth),
        log_loss=float(-np.log(np.clip(true_probabilities, 1e-7, 1)).mean()),
        calibration_error=calibration_error(probabilities, truth),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        per_genre={
            label: GenreScores(
                precision=float(precision[index]),
                recall=float(recall[index]),
                f1=float(f1[index]),
                support=int(support[index]),
            )
            for index, label in enumerate(labels)
        },
        macro_f1_interval=_macro_f1_sampling(predictions, clusters).interval(macro_f1),
        cluster="artist" if artists else "track",
        clusters=int(clusters.max()) + 1,
        absent=tuple(label for label, count in zip(labels, support, strict=True) if not count),
        calibration=calibration(probabilities, truth),
    )


def _clusters(tracks: Sequence[str], artists: Mapping[str, str]) -> NDArray[np.int64]:
    """Return the number of the artist of each row, or of its track where none is known."""
    names = [("artist", artists[t]) if t in artists else ("track", t) for t in tracks]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names])


def _accuracy_sampling(predictions: Predictions, clusters: NDArray[np.int64]) -> Sampling:
    """Return how uncertain the accuracy is, with the number of the cluster of each row."""
    right = predictions.right.astype(np.float64)
    weights = np.full(len(right), 1 / len(right))
    return Sampling(clusters, weights, weights * (right - right.mean()))


def _macro_f1_sampling(predictions: Predictions, clusters: NDArray[np.int64]) -> Sampling:
    """Return how uncertain macro-F1 is, with the number of the cluster of each row.

    The influences are the derivatives of F1 = 2 right / (true + predicted) by the three counts of
    each genre that occurs (delta method, for macro-F1 in Takahashi et al. 2022).
    """
    truth, predicted = predictions.truth, predictions.predicted
    right = predictions.right
    genres = int(max(truth.max(), predicted.max())) + 1
    true = np.bincount(truth, minlength=genres)
    named = true + np.bincount(predicted, minlength=genres)
    f1 = 2 * np.bincount(truth[right], minlength=genres) / np.maximum(named, 1)
    occurring = int(np.count_nonzero(true))
    as_true = (2 * right - f1[truth]) / named[truth]
    as_predicted = np.where(true[predicted] > 0, -f1[predicted] / named[predicted], 0)
    return Sampling(
        clusters,
        weights=1 / (occurring * true[truth]),
        influences=(as_true + as_predicted) / occurring,
        estimated=occurring,
    )


def roc_auc(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> float | None:
    """Return the mean one-against-rest area under the ROC curve, or None with a single genre."""
    from sklearn import metrics

    present = np.unique(truth)
    if len(present) < 2:
        return None
    areas = [metrics.roc_auc_score(truth == genre, probabilities[:, genre]) for genre in present]
    return float(np.mean(areas))


def calibration(
    probabilities: NDArray[np.float64], truth: NDArray[np.int64]
) -> tuple[CalibrationBin, ...]:
    """Return how often the most probable genre is right, in 15 equal bins of its probability."""
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    bins = _bins(confidence)
    members = [bins == number for number in range(CALIBRATION_BINS)]
    return tuple(
        CalibrationBin(int(own.sum()), float(confidence[own].mean()), float(correct[own].mean()))
        if own.any()
        else CalibrationBin(0, None, None)
        for own in members
    )


def calibration_error(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """Return the expected calibration error over 15 equal bins (Guo et al. 2017)."""
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    gaps = np.bincount(_bins(confidence), weights=correct - confidence, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(truth))


def _bins(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    bins = (confidence * CALIBRATION_BINS).astype(np.int64)
    return np.minimum(bins, CALIBRATION_BINS - 1, dtype=np.int64)
