from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genrecls.evaluation.prediction_tables import (
    PREDICTION_COLUMNS,
    mistakes,
    prediction_rows,
)
from genrecls.evaluation.predictions import Predictions

LABELS = ("blues", "jazz")
SEGMENTS = Predictions(
    tracks=("a", "a", "a", "b"),
    starts=np.array([0.0, 3.0, 6.5, 0.0]),
    truth=np.array([0, 0, 0, 1]),
    probabilities=np.array([[0.6, 0.4], [0.6, 0.4], [0.1, 0.9], [0.25, 0.75]]),
)
PATHS = {"a": Path("music/a b,é.wav"), "b": Path("music/b.wav")}


def test_a_row_tells_everything_about_a_prediction() -> None:
    rows = list(prediction_rows(("track", "test"), SEGMENTS, LABELS, PATHS, {"a": "someone"}))
    assert {len(row) for row in rows} == {len(PREDICTION_COLUMNS) + 1 + len(LABELS)}
    path = str(PATHS["a"])
    assert rows[2] == ["track", "test", "a", path, "6.5", "blues", "jazz", "someone", "0.1", "0.9"]
    assert rows[3][7] == ""
    assert [row[4] for row in rows] == ["0", "3", "6.5", "0"]


def test_mistakes_begin_with_the_most_confident_and_are_no_more_than_asked_for() -> None:
    wrong = Predictions(
        tracks=("mild", "right", "bad", "worst"),
        starts=np.zeros(4),
        truth=np.array([0, 0, 1, 0]),
        probabilities=np.array([[0.45, 0.55], [0.9, 0.1], [0.8, 0.2], [0.05, 0.95]]),
    )
    paths = {track: Path(f"{track}.wav") for track in wrong.tracks}
    rows = mistakes(wrong, LABELS, paths)
    assert [row["track"] for row in rows] == ["worst", "bad", "mild"]
    assert rows[0] == {
        "track": "worst",
        "path": "worst.wav",
        "true": "blues",
        "predicted": "jazz",
        "probability": pytest.approx(0.95),
        "true_probability": pytest.approx(0.05),
    }
    assert [row["track"] for row in mistakes(wrong, LABELS, paths, most=1)] == ["worst"]
