"""`csv`: one table over all runs of an output folder, a row a finished run.

A run keeps its own epochs and scores (`history.csv`, `metrics.json`); what it cannot have is the
table over all runs, which spreadsheets and other programs read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genrecls.files.locks import locked
from genrecls.files.tables import read_rows, write_table
from genrecls.runs.run import Run
from genrecls.trackers.base import LOGGERS, Logger
from genrecls.trackers.scores import final_scores, provenance_tags
from genrecls.training.callbacks import Callback


@LOGGERS.register("csv")
@dataclass(frozen=True)
class CsvLogger(Logger):
    """The table `runs.csv` beside the run folders."""

    def callbacks(self, run: Run, settings: Mapping[str, Any]) -> Sequence[Callback]:  # noqa: ARG002
        """Return the writer of the row."""
        return (RunsTable(run),)


class RunsTable(Callback):
    """Callback that writes the row of its run into `runs.csv`, in place of an earlier one."""

    title = "logger=csv"

    def __init__(self, run: Run) -> None:
        self._run = run
        self._path = run.folder.parent / "runs.csv"
        self.location = f"{self._path} has a row for each run; any spreadsheet program opens it"

    def on_finish(self, metrics: Mapping[str, Any]) -> None:
        """Write the row: name, data, split and seed of the run, then every final score."""
        path = self._path
        about = {"run": self._run.name, **provenance_tags(metrics), "seed": metrics["seed"]}
        row = {**about, **final_scores(metrics)}
        # Trainings of a sweep finish at the same time.
        with locked(path.parent / ".locks" / "runs.csv.lock"):
            rows: list[Mapping[str, Any]] = []
            if path.is_file():
                rows = [other for other in read_rows(path) if other.get("run") != self._run.name]
            rows.append(row)
            columns = list(dict.fromkeys(name for row in rows for name in row))
            write_table(path, columns, ([row.get(name, "") for name in columns] for row in rows))
