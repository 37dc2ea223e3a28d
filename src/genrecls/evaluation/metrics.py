"""Scores of predictions: accuracy with its interval, F1, ROC-AUC, log loss, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeFloat

from genrecls.config.schema import Count, Interval, Proportion
from genrecls.evaluation.predictions import Predictions
from genrecls.rng import stream

RESAMPLES = 2000
CALIBRATION_BINS = 15


@dataclass(frozen=True)
class GenreScores:
    """Scores of one genre; `support` is the number of its examples."""

    precision: Proportion
    recall: Proportion
    f1: Proportion
    support: Count


@dataclass(frozen=True)
class Scores:
    """Scores of one part of a split, per segment or per track.

    Attributes:
        count: number of examples.
        accuracy_interval: 95 % bootstrap interval of the accuracy over tracks.
        macro_f1: mean of F1 over the genres that occur.
        top3_accuracy: share of examples whose genre is among the three most probable ones; None
            with three genres or fewer.
        roc_auc: mean one-against-rest area under the ROC curve; None with a single genre.
        log_loss: mean negative logarithm of the probability of the true genre, in nats.
        calibration_error: expected calibration error over 15 bins.
        confusion: examples of each true genre (rows) by predicted genre (columns).
        per_genre: scores of each genre by its label.
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


def scores(predictions: Predictions, labels: Sequence[str], seed: int) -> Scores:
    """Return all scores of `predictions`.

    Averages over genres (macro-F1, ROC-AUC) go over the genres that occur in the truth, so that a
    genre without examples neither helps nor harms.

    Args:
        predictions: one row a segment or a track.
        labels: genres in the order of the class indices.
        seed: run seed, for the bootstrap.
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
    return Scores(
        count=len(truth),
        accuracy=float((truth == predicted).mean()),
        accuracy_interval=accuracy_interval(predictions, seed),
        macro_f1=float(f1[present].mean()),
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
    )


def accuracy_interval(predictions: Predictions, seed: int) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the accuracy.

    Whole tracks are drawn, because the segments of a track are no independent examples.
    """
    tracks = {track: row for row, track in enumerate(dict.fromkeys(predictions.tracks))}
    rows = np.array([tracks[track] for track in predictions.tracks])
    hits = np.bincount(rows, weights=predictions.truth == predictions.predicted)
    counts = np.bincount(rows)
    draws = stream(seed, "bootstrap").integers(len(tracks), size=(RESAMPLES, len(tracks)))
    accuracies = hits[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.percentile(accuracies, [2.5, 97.5])
    return float(low), float(high)


def roc_auc(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> float | None:
    """Return the mean one-against-rest area under the ROC curve, or None with a single genre."""
    from sklearn import metrics

    present = np.unique(truth)
    if len(present) < 2:
        return None
    areas = [metrics.roc_auc_score(truth == genre, probabilities[:, genre]) for genre in present]
    return float(np.mean(areas))


def calibration_error(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """Return the expected calibration error over 15 equal bins (Guo et al. 2017)."""
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=correct - confidence, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(truth))
