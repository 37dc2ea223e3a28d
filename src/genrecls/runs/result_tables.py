"""The tables of a finished run: its epochs and its predictions, a typed row each."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from genrecls.errors import RunError

Unit = Literal["segment", "track"]


@dataclass(frozen=True)
class Epoch:
    """One epoch of a training; `stage` is there where a training has several."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float | None = None
    seconds: float | None = None
    stage: int | None = None


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


def read_epochs(path: Path) -> list[Epoch]:
    """Return the rows of `history.csv`.

    Raises:
        RunError: the file is absent or damaged.
    """
    known = {field.name for field in fields(Epoch)}
    epochs = []
    for row in _rows(path):
        try:
            values: dict[str, Any] = {key: float(row[key]) for key in known if row.get(key)}
            for key in {"epoch", "stage"} & values.keys():
                values[key] = int(values[key])
            epochs.append(Epoch(**values))
        except (TypeError, ValueError) as error:
            raise _damaged(path, error) from None
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
    try:
        return [
            PredictedExample(
                part=row["part"],
                track=row["track"],
                path=row["path"],
                start=float(row["start"]),
                true=row["true"],
                predicted=row["predicted"],
                probabilities={label: float(row[label]) for label in labels},
            )
            for row in _rows(path)
            if row["part"] == part
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from None


def as_frame(rows: Sequence[Epoch] | Sequence[PredictedExample]) -> Any:
    """Return rows as a pandas DataFrame where pandas is installed, else as they are.

    The probabilities of predictions become a column a genre.
    """
    if find_spec("pandas") is None:
        return rows
    import pandas as pd

    records = []
    for row in rows:
        record = asdict(row)
        record |= record.pop("probabilities", {})
        records.append(record)
    return pd.DataFrame(records)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeError, csv.Error) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> RunError:
    reason = f"{type(error).__name__}: {error}"
    return RunError(f"{path} is damaged or absent ({reason}); train again with force=true")
