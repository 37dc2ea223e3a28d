"""The tables of a run are typed rows, whatever its genres are called."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genrecls.errors import RunError
from genrecls.evaluation.prediction_tables import (
    ARTIST,
    PREDICTION_COLUMNS,
    prediction_rows,
)
from genrecls.evaluation.predictions import Predictions
from genrecls.experiment.evaluate import PartPredictions, write_predictions
from genrecls.files.tables import write_table
from genrecls.runs.metrics import RunMetrics
from genrecls.runs.record import read
from genrecls.runs.result_tables import (
    as_frame,
    as_predictions,
    read_answers,
    read_epochs,
    read_predictions,
)
from genrecls.runs.run import Run
from genrecls.runtime.formats import PROBABILITY
from genrecls.splits.base import Part
from tests.runs.finished_runs import Made, finished_run, metrics_of

# Each is the name of a column, or looks like one.
GENRES = ("path", "predicted", "probability:true", "track", "true")
PREDICTIONS = Predictions(
    tracks=("a", "b"),
    starts=np.zeros(2),
    truth=np.array([0, 4]),
    probabilities=np.array([[0.5, 0.2, 0.1, 0.1, 0.1], [0.1, 0.2, 0.4, 0.2, 0.1]]),
)
PATHS = {"a": Path("a.wav"), "b": Path("b.wav")}


def write(path: Path, genres: list[str]) -> None:
    """Write the predictions, with these names of the columns of genres and without artists."""
    rows = prediction_rows(("track", "test"), PREDICTIONS, GENRES, PATHS, {})
    artist = len(PREDICTION_COLUMNS)
    write_table(
        path, [*PREDICTION_COLUMNS, *genres], [row[:artist] + row[artist + 1 :] for row in rows]
    )


def test_written_columns_of_genres_have_a_prefix(tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a")
    metrics: RunMetrics = replace(metrics_of(Made()), labels=GENRES)
    parts: dict[Part, PartPredictions] = {"test": PartPredictions(PREDICTIONS, PREDICTIONS)}
    files = {level: run.predictions_file(level) for level in ("segments", "tracks")}
    write_predictions(files, metrics, parts, PATHS, {"b": "someone"})
    assert [a.artist for a in read_answers(run.predictions_file("tracks"), GENRES)] == [
        "",
        "someone",
    ]
    for level in ("segments", "tracks"):
        text = run.predictions_file(level).read_text()
        header = text.splitlines()[0].split(",")
        assert header == [*PREDICTION_COLUMNS, ARTIST, *(f"probability:{g}" for g in GENRES)]


@pytest.mark.parametrize("prefix", [PROBABILITY, ""], ids=["now", "earlier"])
def test_genres_called_like_columns_are_read_as_what_they_are(prefix: str, tmp_path: Path) -> None:
    path = tmp_path / "predictions_tracks.csv"
    write(path, [f"{prefix}{genre}" for genre in GENRES])
    first, second = read_predictions(path, "test", GENRES)
    assert (first.track, first.path, first.true, first.predicted) == ("a", "a.wav", "path", "path")
    assert (second.true, second.predicted) == ("true", "probability:true")
    assert [second.probabilities[genre] for genre in GENRES] == [0.1, 0.2, 0.4, 0.2, 0.1]
    assert [answer.track for answer in read_answers(path, GENRES)] == ["a", "b"]


def test_recorded_predictions_are_the_arrays_that_were_written(tmp_path: Path) -> None:
    path = tmp_path / "predictions_tracks.csv"
    answered = replace(PREDICTIONS, decisions=np.array([0, 3]))
    rows = prediction_rows(("track", "test"), answered, GENRES, PATHS, {})
    columns = [*PREDICTION_COLUMNS, ARTIST, *(f"{PROBABILITY}{genre}" for genre in GENRES)]
    write_table(path, columns, rows)
    again = as_predictions(read_predictions(path, "test", GENRES), GENRES)
    assert again.tracks == answered.tracks
    for name in ("starts", "truth", "probabilities", "predicted"):
        np.testing.assert_array_equal(getattr(again, name), getattr(answered, name))


def test_a_genre_called_artist_in_earlier_files_is_no_artist(tmp_path: Path) -> None:
    path = tmp_path / "predictions_tracks.csv"
    write_table(
        path,
        ["part", "track", "true", "predicted", "artist", "jazz"],
        [["test", "a", "artist", "jazz", "0.4", "0.6"]],
    )
    (answer,) = read_answers(path, ("artist", "jazz"))
    assert answer.artist == ""


def test_columns_of_genres_in_another_order_say_nothing_without_the_prefix(tmp_path: Path) -> None:
    path = tmp_path / "predictions_tracks.csv"
    write(path, list(reversed(GENRES)))
    with pytest.raises(RunError, match="expected columns probability:path, probability:predicted"):
        read_predictions(path, "test", GENRES)


def test_a_run_whose_genres_are_called_like_columns_is_not_damaged(tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a", Made(genres=("track", "true")))
    assert read(run).answers["test"].truth[0] == ("t000", "track")


def test_genres_called_like_columns_replace_no_column_of_a_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pandas:
        DataFrame = staticmethod(lambda records: records)

    write(tmp_path / "a.csv", [f"{PROBABILITY}{genre}" for genre in GENRES])
    monkeypatch.setattr("genrecls.runs.result_tables.find_spec", lambda _: object())
    monkeypatch.setitem(sys.modules, "pandas", Pandas)
    first, _ = as_frame(read_predictions(tmp_path / "a.csv", "test", GENRES))
    assert (first["track"], first["probability:track"]) == ("a", 0.1)


@pytest.mark.parametrize(
    ("cell", "value", "reason"),
    [
        ("start", "nan", "row 1: nan is no finite number"),
        ("start", "-1", "row 1: a start below 0"),
        ("start", "soon", "row 1: could not convert"),
        ("true", "polka", "row 1: expected one of path, predicted"),
        ("probability:track", "1.5", "or a probability outside of 0 to 1"),
        ("probability:track", "inf", "row 1: inf is no finite number"),
        ("probability:track", "", "row 1: could not convert"),
    ],
)
def test_a_cell_out_of_its_range_is_damage(
    cell: str, value: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    header = [*PREDICTION_COLUMNS, ARTIST, *(PROBABILITY + g for g in GENRES)]
    rows = list(prediction_rows(("track", "test"), PREDICTIONS, GENRES, PATHS, {}))
    rows[0][header.index(cell)] = value
    write_table(path, header, rows)
    with pytest.raises(RunError, match=reason):
        read_predictions(path, "test", GENRES)


def test_epochs_are_numbers_with_what_is_known(tmp_path: Path) -> None:
    run: Run = finished_run(tmp_path, "a")
    first, *_ = read_epochs(run.history_file)
    assert (first.epoch, first.loss, first.stage) == (1, 1.0, None)
    assert first.to_row() == {
        "epoch": 1,
        **dict.fromkeys(("loss", "accuracy", "validation_loss", "validation_accuracy"), 1.0),
    }


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("", "it has no epochs"),
        ("2,1,0,1,0\n", "expected every epoch once, from 1"),
        ("1,1,0,1,0\n1,1,0,1,0\n", "expected every epoch once, from 1"),
        ("1,nan,0,1,0\n", "row 1: nan is no finite number"),
        ("1,1,2,1,0\n", "row 1: accuracy: received 2"),
        ("1,1,0,1,\n", "row 1: validation_accuracy: missing"),
        ("1.5,1,0,1,0\n", "row 1: epoch: received 1.5"),
    ],
)
def test_epochs_that_cannot_be_are_damage(rows: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text(f"epoch,loss,accuracy,validation_loss,validation_accuracy\n{rows}")
    with pytest.raises(RunError, match=reason):
        read_epochs(path)
