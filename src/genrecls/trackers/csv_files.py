"""`csv`: tables in the run folder that grow while the training goes on."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genrecls.files.tables import write_rows, write_table
from genrecls.runs.run import Run
from genrecls.trackers.base import LOGGERS, Logger
from genrecls.trackers.scores import final_scores, provenance_tags
from genrecls.training.callbacks import Callback, TrainingPlan
from genrecls.training.checkpoint import Progress


@LOGGERS.register("csv")
@dataclass(frozen=True)
class CsvLogger(Logger):
    """Tables to follow or to read with other programs."""

    def callbacks(self, run: Run, settings: Mapping[str, Any]) -> Sequence[Callback]:  # noqa: ARG002
        """Return the writer of the tables."""
        return (CsvFiles(run),)


class CsvFiles(Callback):
    """Callback that writes `epochs.csv` and `scores.csv`."""

    title = "logger=csv"

    def __init__(self, run: Run) -> None:
        self._run = run
        self._written = 0

    def on_stage_start(self, progress: Progress, plan: TrainingPlan) -> None:  # noqa: ARG002
        """Take what an earlier attempt left."""
        self.on_epoch_end(progress)

    def on_epoch_end(self, progress: Progress) -> None:
        """Append what is new; the first rows replace what an earlier attempt wrote."""
        rows = progress.history
        if not rows:
            self._run.epochs_file.unlink(missing_ok=True)
        elif not self._written:
            write_rows(self._run.epochs_file, rows)
        else:
            self._append(rows[self._written :])
        self._written = len(rows)

    def on_finish(self, metrics: Mapping[str, Any]) -> None:
        """Write the final scores, a row each."""
        beside = provenance_tags(metrics)
        rows = [[*beside.values(), *score] for score in final_scores(metrics).items()]
        write_table(self._run.scores_file, (*beside, "score", "value"), rows)

    def _append(self, rows: Sequence[Mapping[str, float]]) -> None:
        # Appended and not replaced, so that `tail -f` shows it.
        with self._run.epochs_file.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(row.values() for row in rows)
