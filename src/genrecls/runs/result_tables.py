"""The tables of a finished run: its epochs and its predictions, a typed row each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import PositiveInt

from genrecls.config.ranges import Proportion, Seconds
from genrecls.config.validation import validate
from genrecls.errors import ConfigError, DamagedFile
from genrecls.evaluation.prediction_tables import ARTIST, PREDICTION_COLUMNS
from genrecls.evaluation.predictions import Predictions
from genrecls.files.tables import read_table
from genrecls.runs.run_files import damaged_run
from genrecls.runtime.formats import PROBABILITY

Unit = Literal["segment", "track"]


@dataclass(frozen=True)
class Epoch:
    """One epoch of a training; `stage` is there where a training has several."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "ignore", "allow_inf_nan": False}

    epoch: PositiveInt
    loss: float
    accuracy: Proportion
    validation_loss: float
    validation_accuracy: Proportion
    learning_rate: float | None = None
    seconds: Seconds | None = None
    stage: PositiveInt | None = None

    def to_row(self) -> dict[str, float]:
        """Return what is known of it by the names of the columns."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class PredictedExample:
    """What a model answered to one segment or track whose genre is known.

    Attributes:
        part: `validation` or `test`.
        track: id of the track.
        path: its file.
        start: start of the segment in seconds; 0 for a track.
        true, predicted: genres.
        probabilities: by genre.
    """

    part: str
    track: str
    path: str
    start: float
    true: str
    predicted: str
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class Answer:
    """What a model answered to one track: all that a comparison needs of a prediction.

    The artist is there where the split keeps artists apart.
    """

    part: str
    track: str
    true: str
    predicted: str
    artist: str = ""


def read_epochs(path: Path) -> list[Epoch]:
    """Return the rows of `history.csv`.

    Raises:
        RunError: the file is absent or damaged, or does not have every epoch from the first.
    """
    header, rows = _table(path)
    epochs = []
    for number, row in enumerate(rows, start=1):
        cells = dict(zip(header, row, strict=True))
        try:
            values = {name: _number(text) for name, text in cells.items() if text}
            epochs.append(validate(Epoch, values, ""))
        except (ValueError, ConfigError) as error:
            raise damaged_run(path, f"row {number}: {error}") from None
    if not epochs:
        raise damaged_run(path, "it has no epochs")
    if [each.epoch for each in epochs] != list(range(1, len(epochs) + 1)):
        raise damaged_run(path, "expected every epoch once, from 1")
    return epochs


def read_predictions(path: Path, part: str, labels: Sequence[str]) -> list[PredictedExample]:
    """Return the rows of `predictions_segments.csv` or `predictions_tracks.csv` of one part.

    Args:
        path: the file.
        part: `validation` or `test`.
        labels: genres, each of which has a column.

    Raises:
        RunError: the file is absent or damaged.
    """
    header, rows = _table(path)
    columns = _find_columns(path, header, PREDICTION_COLUMNS[1:])
    genres = _find_genres(path, header, labels)
    examples = []
    for number, row in enumerate(rows, start=1):
        cells = {name: row[place] for name, place in columns.items()}
        if cells["part"] != part:
            continue
        try:
            example = PredictedExample(
                **{name: text for name, text in cells.items() if name != "start"},
                start=_number(cells["start"]),
                probabilities={label: _number(row[place]) for label, place in genres.items()},
            )
            _require_genres(example, labels)
            if example.start < 0 or not all(0 <= p <= 1 for p in example.probabilities.values()):
                raise ValueError("a start below 0, or a probability outside of 0 to 1")
        except ValueError as error:
            raise damaged_run(path, f"row {number}: {error}") from None
        examples.append(example)
    return examples


def as_predictions(examples: Sequence[PredictedExample], labels: Sequence[str]) -> Predictions:
    """Return recorded predictions as arrays, with what was answered as their decisions.

    Args:
        examples: rows of a table.
        labels: genres in the order of the classes.
    """
    return Predictions(
        tracks=tuple(example.track for example in examples),
        starts=np.array([example.start for example in examples]),
        truth=np.array([labels.index(example.true) for example in examples]),
        probabilities=np.array([[*example.probabilities.values()] for example in examples]),
        decisions=np.array([labels.index(example.predicted) for example in examples]),
    )


def read_answers(path: Path, labels: Sequence[str]) -> list[Answer]:
    """Return the rows of `predictions_tracks.csv` of all parts, without their probabilities.

    Args:
        path: the file.
        labels: genres.

    Raises:
        RunError: the file is absent or damaged.
    """
    header, rows = _table(path)
    columns = _find_columns(path, header, ("part", "track", "true", "predicted"))
    # In earlier files a column of this name would be a genre.
    if ARTIST in header and any(name.startswith(PROBABILITY) for name in header):
        columns[ARTIST] = header.index(ARTIST)
    answers = []
    for number, row in enumerate(rows, start=1):
        answer = Answer(**{name: row[place] for name, place in columns.items()})
        try:
            _require_genres(answer, labels)
        except ValueError as error:
            raise damaged_run(path, f"row {number}: {error}") from None
        answers.append(answer)
    return answers


def as_frame(rows: Sequence[Epoch] | Sequence[PredictedExample]) -> Any:
    """Return rows as a pandas DataFrame where pandas is installed, else as they are.

    The probabilities of predictions become a column a genre, `probability:<genre>`.
    """
    if find_spec("pandas") is None:
        return rows
    import pandas as pd

    records = []
    for row in rows:
        record = asdict(row)
        genres = record.pop("probabilities", {})
        records.append({**record, **{f"{PROBABILITY}{genre}": p for genre, p in genres.items()}})
    return pd.DataFrame(records)


def _find_columns(path: Path, header: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    """Return the place of each column; a genre of the same name stands further behind."""
    if absent := [name for name in names if name not in header]:
        raise damaged_run(path, f"expected columns {', '.join(names)}; without {', '.join(absent)}")
    return {name: header.index(name) for name in names}


def _find_genres(path: Path, header: Sequence[str], labels: Sequence[str]) -> dict[str, int]:
    """Return the place of the probabilities of each genre."""
    names = [f"{PROBABILITY}{label}" for label in labels]
    if set(names) <= set(header):
        return {label: header.index(name) for label, name in zip(labels, names, strict=True)}
    # Earlier files have the genres alone for names, in the last columns.
    first = len(header) - len(labels)
    if list(header[max(first, 0) :]) == list(labels):
        return {label: first + place for place, label in enumerate(labels)}
    raise damaged_run(path, f"expected columns {', '.join(names)}")


def _require_genres(answer: PredictedExample | Answer, labels: Sequence[str]) -> None:
    for genre in (answer.true, answer.predicted):
        if genre not in labels:
            raise ValueError(f"expected one of {', '.join(labels)}, received '{genre}'")


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return int(number) if number.is_integer() else number


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        return read_table(path)
    except FileNotFoundError:
        raise damaged_run(path, "it is not there") from None
    except DamagedFile as error:
        raise damaged_run(path, error.reason) from None
