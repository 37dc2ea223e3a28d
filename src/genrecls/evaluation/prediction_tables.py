"""Predictions as rows: those of the CSV files of a run, and the mistakes that its report shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from genrecls.evaluation.predictions import Predictions

PREDICTION_COLUMNS = ("split", "part", "track", "path", "start", "true", "predicted")
ARTIST = "artist"
"""Column behind `PREDICTION_COLUMNS`; earlier files lack it."""


def prediction_rows(
    place: tuple[str, str],
    predictions: Predictions,
    labels: Sequence[str],
    paths: Mapping[str, Path],
    artists: Mapping[str, str],
) -> Iterator[list[Any]]:
    """Yield a row a prediction: `PREDICTION_COLUMNS`, artist, the probability of every label.

    Args:
        place: the split, with what it leaks, and the part.
        predictions: one a segment or one a track.
        labels: genres in the order of the class indices.
        paths: file of each track id.
        artists: artist of each track id, where the split keeps artists apart; else empty.
    """
    rows = zip(
        predictions.tracks,
        predictions.starts,
        predictions.truth,
        predictions.predicted,
        predictions.probabilities,
        strict=True,
    )
    for track, start, true, predicted, found in rows:
        probabilities = [f"{value:.6g}" for value in found]
        yield [
            *place,
            track,
            str(paths[track]),
            f"{start:g}",
            labels[true],
            labels[predicted],
            artists.get(track, ""),
            *probabilities,
        ]


def mistakes(
    tracks: Predictions, labels: Sequence[str], paths: Mapping[str, Path], most: int = 50
) -> list[dict[str, Any]]:
    """Return the wrong decisions on tracks, the most confident ones first."""
    wrong = [
        {
            "track": track,
            "path": str(paths[track]),
            "true": labels[true],
            "predicted": labels[predicted],
            "probability": float(found[predicted]),
            "true_probability": float(found[true]),
        }
        for track, true, predicted, found in zip(
            tracks.tracks, tracks.truth, tracks.predicted, tracks.probabilities, strict=True
        )
        if true != predicted
    ]
    wrong.sort(key=lambda row: (row["true_probability"] - row["probability"], row["track"]))
    return wrong[:most]
