"""Finished runs read back into plain values, checked as they are read."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genrecls.config.aliases import current_config
from genrecls.errors import RunError
from genrecls.evaluation.paired_tests import PairedDecisions
from genrecls.runs.export_facts import read_export
from genrecls.runs.metrics import PartMetrics, RunMetrics
from genrecls.runs.run import Run

PARTS = ("validation", "test")
_NEEDED = ("track", "part", "true", "predicted")


@dataclass(frozen=True)
class RunRecord:
    """What a comparison needs to know of a run.

    Attributes:
        config: the resolved configuration.
        metrics: its scores and what must be said beside them.
        history: a row an epoch.
        answers: decisions per track of each part.
        changed: when the run was finished.
        int8_bytes: size of the exported int8 file, the one fed with features if there are two.
    """

    name: str
    config: Mapping[str, Any]
    metrics: RunMetrics
    history: Sequence[Mapping[str, float]]
    answers: Mapping[str, PairedDecisions]
    changed: str
    int8_bytes: int | None = None

    @property
    def repetition(self) -> tuple[int, int | None]:
        """Seed and, where the split has folds, the fold: what may differ within a system."""
        return int(self.config["seed"]), self.config["split"].get("fold")

    def part(self, name: str) -> PartMetrics:
        """Return the metrics of the part `validation` or `test`."""
        return self.metrics.test if name == "test" else self.metrics.validation

    def score(self, part: str, name: str, unit: str = "track") -> float:
        """Return a score such as `accuracy`."""
        return float(getattr(self.part(part).of(unit), name))

    def f1(self, part: str) -> dict[str, float]:
        """Return F1 of each genre, per track."""
        return {genre: scores.f1 for genre, scores in self.part(part).track.per_genre.items()}


def read(run: Run) -> RunRecord:
    """Return what is in the folder of a finished run, checked before a table is half made.

    Raises:
        RunError: the run is not finished, or one of its files is damaged, absent or of another
            version.
    """
    metrics = run.read_metrics()
    if not run.finished:
        raise RunError(
            f"run {run.name} is not finished ({run.state.get('status', 'no state')}); repeat its "
            "'genrecls train' command to continue"
        )
    exported = read_export(run)
    record = RunRecord(
        name=run.name,
        config=_config(run.config_file),
        metrics=metrics,
        history=_history(run.history_file),
        answers=_answers(run),
        changed=str(run.state.get("changed", "")),
        int8_bytes=exported.int8_bytes if exported else None,
    )
    with _reading(run.config_file):
        _ = (record.repetition, record.config["model"]["name"], record.config["features"]["name"])
    with _reading(run.history_file):
        _ = [epoch["epoch"] for epoch in record.history]
    for part, answers in record.answers.items():
        here, there = float(answers.right.mean()), record.part(part).track.accuracy
        if abs(here - there) > 1e-6:
            reason = f"its {part} accuracy is {here:.3f}, in metrics.json {there:.3f}"
            raise _damaged(run.predictions_file("tracks"), reason)
    return record


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Blame `path` for whatever is not found or not of its type during the block."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from None


def _config(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise _damaged(path, str(error)) from None
    if not isinstance(found, dict):
        raise _damaged(path, "it holds no configuration")
    return current_config(found)


def _history(path: Path) -> list[dict[str, float]]:
    rows = _rows(path)
    with _reading(path):
        return [{key: float(value) if value else np.nan for key, value in r.items()} for r in rows]


def _answers(run: Run) -> dict[str, PairedDecisions]:
    path = run.predictions_file("tracks")
    rows = _rows(path)
    if not rows or any(row.get(column) in {None, ""} for row in rows for column in _NEEDED):
        raise _damaged(path, f"expected rows with {', '.join(_NEEDED)}")
    return {part: _of_part(run, part, rows) for part in PARTS}


def _of_part(run: Run, part: str, rows: Sequence[Mapping[str, str]]) -> PairedDecisions:
    chosen = sorted(
        (row["track"], row["true"], row["predicted"]) for row in rows if row["part"] == part
    )
    tracks = {track for track, _, _ in chosen}
    if not chosen or len(tracks) < len(chosen):
        problem = f"{len(chosen) - len(tracks)} tracks twice" if chosen else "no tracks"
        raise _damaged(run.predictions_file("tracks"), f"{problem} in the {part} part")
    truth = tuple((track, true) for track, true, _ in chosen)
    return PairedDecisions(
        run.name, part, truth, np.array([true == said for _, true, said in chosen])
    )


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise _damaged(path, "it is not there") from None
    except (UnicodeError, csv.Error) as error:
        raise _damaged(path, str(error)) from None


def _damaged(path: Path, reason: str) -> RunError:
    return RunError(f"{path} is damaged ({reason}); train again with force=true")
