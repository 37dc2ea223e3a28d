"""Finished runs read back into plain values, checked as they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from genrecls.evaluation.paired_tests import PairedDecisions
from genrecls.runs.export_facts import read_export
from genrecls.runs.metrics import PartMetrics, RunMetrics
from genrecls.runs.result_tables import Answer, read_answers, read_epochs
from genrecls.runs.run import Run
from genrecls.runs.run_files import damaged_run
from genrecls.splits.base import EVALUATED_PARTS, EvaluatedPart


@dataclass(frozen=True)
class RunRecord:
    """What a comparison needs to know of a run.

    Attributes:
        report: its page.
        config: the resolved configuration.
        metrics: its scores and what must be said beside them.
        history: a row an epoch.
        answers: decisions per track of each part.
        changed: when the run was finished.
        int8_bytes: size of the exported int8 file, the one fed with features if there are two.
    """

    name: str
    report: Path
    config: Mapping[str, Any]
    metrics: RunMetrics
    history: Sequence[Mapping[str, float]]
    answers: Mapping[str, PairedDecisions]
    changed: str
    int8_bytes: int | None = None

    @property
    def repetition(self) -> tuple[int, int | None]:
        """Seed and, where the split has folds, the fold: what may differ within a system."""
        return self.config["seed"], self.config["split"].get("fold")

    def part(self, name: str) -> PartMetrics:
        """Return the metrics of the part `validation` or `test`."""
        return self.metrics.test if name == "test" else self.metrics.validation

    def score(self, part: str, name: str, unit: str = "track") -> float:
        """Return a score such as `accuracy`."""
        return float(getattr(self.part(part).of(unit), name))

    def f1(self, part: str) -> dict[str, float]:
        """Return F1 of each genre, per track; NaN where no track is of it."""
        genres = self.part(part).track.per_genre.items()
        return {genre: scores.f1 if scores.support else nan for genre, scores in genres}


def read(run: Run) -> RunRecord:
    """Return what is in the folder of a finished run, checked before a table is half made.

    Raises:
        RunError: the run is not finished, or one of its files is damaged, absent or of another
            version.
    """
    if not run.finished:
        raise run.not_finished()
    metrics = run.read_metrics()
    exported = read_export(run)
    epochs = read_epochs(run.history_file) if metrics.selection.epochs else []
    if len(epochs) != metrics.selection.epochs:
        reason = f"it has {len(epochs)} epochs, metrics.json says {metrics.selection.epochs}"
        raise damaged_run(run.history_file, reason)
    answers = read_answers(run.predictions_file("tracks"), metrics.labels)
    return RunRecord(
        name=run.name,
        report=run.report_file,
        config=run.read_config(),
        metrics=metrics,
        history=[epoch.to_row() for epoch in epochs],
        answers={part: _decisions(run, metrics, part, answers) for part in EVALUATED_PARTS},
        changed=run.state.get("changed", ""),
        int8_bytes=exported.int8_bytes if exported else None,
    )


def _decisions(
    run: Run, metrics: RunMetrics, part: EvaluatedPart, answers: Sequence[Answer]
) -> PairedDecisions:
    """Return the decisions on the tracks of a part, which must be those that were scored."""
    path = run.predictions_file("tracks")
    of_part = [answer for answer in answers if answer.part == part]
    chosen = sorted((answer.track, answer.true, answer.predicted) for answer in of_part)
    artists = {answer.track: answer.artist for answer in of_part if answer.artist}
    tracks = {track for track, _, _ in chosen}
    if not chosen or len(tracks) < len(chosen):
        problem = f"{len(chosen) - len(tracks)} tracks twice" if chosen else "no tracks"
        raise damaged_run(path, f"{problem} in the {part} part")
    truth = tuple((track, true) for track, true, _ in chosen)
    right = np.array([true == predicted for _, true, predicted in chosen])
    scores = metrics.parts[part].track
    here, there = float(right.mean()), scores.accuracy
    if abs(here - there) > 1e-6:
        raise damaged_run(path, f"its {part} accuracy is {here:.3f}, in metrics.json {there:.3f}")
    if len(chosen) != scores.count:
        raise damaged_run(path, f"{len(chosen)} {part} tracks, in metrics.json {scores.count}")
    return PairedDecisions(run.name, part, truth, right, artists)
