"""Folders of finished runs, made of values alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from genrecls.evaluation.metrics import GenreScores, Scores
from genrecls.export.formats import ExportFormat
from genrecls.files.tables import write_json
from genrecls.models.cost import ModelCost
from genrecls.runs.export_facts import EXPORT, ExportedFile
from genrecls.runs.metrics import (
    DatasetFacts,
    PartMetrics,
    RunMetrics,
    Selection,
    SplitFacts,
)
from genrecls.runs.run import Run
from genrecls.runs.run_files import Status
from genrecls.splits.base import EvaluatedPart
from tests.export.exported_facts import export_facts, kept, lost

GENRES = ("jazz", "rock")
_COLUMNS = ("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy")
Decisions = Sequence[int]
"""For each track whether it is right, 0 or 1; even tracks are jazz, odd ones rock."""


@dataclass(frozen=True)
class Made:
    """What a run folder is made from; the ids of test tracks begin with `first`.

    With `int8` it was exported, to a file of so many bytes.
    """

    test: Decisions = (1, 1, 1, 0)
    validation: Decisions = (1, 0)
    model: str = "cnn"
    seed: int = 0
    split: dict[str, Any] = field(default_factory=lambda: {"name": "artist", "ratio": [3, 1, 1]})
    leaks: Sequence[str] = ()
    fingerprint: str = "f"
    settings: dict[str, Any] = field(default_factory=dict)
    first: int = 0
    seconds: float = 60.0
    parameters: int = 1234
    int8: int | None = None
    generated: bool = False
    genres: tuple[str, str] = GENRES
    epochs: Sequence[Mapping[str, float]] = tuple(
        {"epoch": epoch, **dict.fromkeys(_COLUMNS[1:], 1 / epoch)} for epoch in (1, 2, 3)
    )


def finished_run(root: Path, name: str, made: Made | None = None) -> Run:
    """Write the folder of a finished run."""
    made = made or Made()
    run = Run(root / name)
    run.folder.mkdir(parents=True)
    run.mark("finished", command="genrecls train")
    run.config_file.write_text(yaml.safe_dump(_config(made, root)), encoding="utf-8")
    fill(run, made)
    return run


def make(
    root: Path,
    name: str,
    changed: str = "2026-01-01",
    status: Status = "finished",
    made: Made | None = None,
    command: str = "genrecls train dataset=gtzan",
) -> Run:
    """Make a run folder that stands as `status` says; with results where it is finished."""
    run = Run(root / name)
    run.folder.mkdir(parents=True)
    state = {"status": status, "changed": changed, "command": command}
    (run.folder / "run.json").write_text(json.dumps(state))
    if status == "finished":
        fill(run, made or Made())
    return run


def fill(run: Run, made: Made) -> None:
    """Write all that a finished run has beside its configuration and its state."""
    run.model_file.touch()
    write_json(run.metrics_file, metrics_of(made).to_json())
    rows = [[row[column] for column in _COLUMNS] for row in made.epochs]
    _write(run.history_file, [_COLUMNS, *rows])
    _write(run.predictions_file("tracks"), [["part", "track", "true", "predicted"], *_rows(made)])
    if made.int8 is not None:
        facts = export_facts(_files(made.int8), run=run.name)
        write_json(run.folder / EXPORT / "export.json", facts.to_json())


def _files(size: int) -> list[ExportedFile]:
    """Return two int8 files and two that are not what is looked for."""
    return [
        kept(ExportFormat("audio", "int8"), 2 * size),
        kept(ExportFormat("features", "int8"), size),
        kept(ExportFormat("features", "float32"), 9 * size),
        lost(ExportFormat("features", "int8"), "rejected", "it answers the same to every segment"),
    ]


def _config(made: Made, root: Path) -> dict[str, Any]:
    return {
        "dataset": {"name": "made", "root": None},
        "split": made.split,
        "features": {"name": "mfcc"},
        "model": {"name": made.model, **made.settings},
        "trainer": {"epochs": 3},
        "seed": made.seed,
        "output_root": str(root),
    }


def metrics_of(made: Made) -> RunMetrics:
    """Return the metrics of a finished run."""
    parts: dict[EvaluatedPart, PartMetrics] = {
        "validation": _part(made.validation, made.genres),
        "test": _part(made.test, made.genres),
    }
    return RunMetrics(
        dataset=DatasetFacts(
            name="made",
            title="Made",
            generated=made.generated,
            tracks=10,
            fingerprint=made.fingerprint,
            citation="",
            licence="",
            note="",
        ),
        split=SplitFacts(made.split["name"], tuple(made.leaks), "", {}, 0),
        vote="mean",
        seed=made.seed,
        published=None,
        selection=Selection(
            epoch=min(2, len(made.epochs)),
            epochs=len(made.epochs),
            keep="best",
            monitor="validation loss",
            value=0.5,
        ),
        labels=made.genres,
        parts=parts,
        rejected=(),
        model=ModelCost(made.model, made.parameters, 10 * made.parameters),
        seconds={"features": 5.0, "training": made.seconds, "evaluation": 1.0},
    )


def _part(right: Decisions, genres: Sequence[str]) -> PartMetrics:
    accuracy = sum(right) / len(right)
    scores = Scores(
        count=len(right),
        accuracy=accuracy,
        accuracy_interval=(accuracy / 2, 1.0),
        macro_f1=accuracy,
        top3_accuracy=None,
        roc_auc=None,
        log_loss=1.0,
        calibration_error=0.1,
        confusion=((1, 0), (0, 1)),
        per_genre={genre: GenreScores(accuracy, accuracy, accuracy, 1) for genre in genres},
    )
    return PartMetrics(segment=scores, track=scores)


def _rows(made: Made) -> list[list[str]]:
    return [
        [
            part,
            f"{part[0]}{number + made.first:03d}",
            made.genres[number % 2],
            made.genres[(number + 1 - right) % 2],
        ]
        for part, decisions in (("validation", made.validation), ("test", made.test))
        for number, right in enumerate(decisions)
    ]


def _write(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
