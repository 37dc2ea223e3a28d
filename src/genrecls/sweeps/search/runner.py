"""Trials turned into trainings, and what comes of those told to the study."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from genrecls.console import warn
from genrecls.errors import ConfigError
from genrecls.reports.numbers import finite, known
from genrecls.runs.run import Run
from genrecls.sweeps.job import Record
from genrecls.sweeps.scheduler import Watcher
from genrecls.sweeps.search.plan import SearchPlan
from genrecls.sweeps.search.study import Study
from genrecls.sweeps.search.trial import Trial

# As many in a row are no accident.
_MOST_FAILURES = 5


@dataclass
class _Attempt:
    """A trial in training.

    Attributes:
        epoch: the last one that the study was told of.
        hopeless: why it is to be stopped; empty as long as it is not.
    """

    trial: Trial
    record: Record
    epoch: int = 0
    hopeless: str = ""


class Conductor:
    """The queue of the trainings of a search, and who watches them.

    Attributes:
        records: all trainings of this call, in the order in which they were begun.
        failed: why trials of this call have failed.
        stopped: how many were stopped by somebody else, and go on with the next call.
    """

    def __init__(self, plan: SearchPlan, study: Study) -> None:
        """Go on with what `study` remembers."""
        self.records: list[Record] = []
        self.failed: list[str] = []
        self.stopped = 0
        self._in_a_row = 0
        self._plan = plan
        self._study = study
        self._left = [trial for trial in study.trials if trial.state == "running"]
        self._attempts: list[_Attempt] = []

    @property
    def done(self) -> list[Trial]:
        """The trials that count: those that have finished and those stopped as hopeless."""
        return [trial for trial in self._study.trials if trial.state in {"finished", "pruned"}]

    @property
    def missing(self) -> int:
        """How many trials are still to be begun; none where too many have failed."""
        if self._in_a_row >= _MOST_FAILURES:
            return 0
        return self._plan.settings.trials - len(self.done) - len(self._attempts) - self.stopped

    def queue(self) -> Iterator[Record]:
        """Yield one training after the other, each chosen when there is a place for it."""
        while self.missing > 0:
            trial = self._left.pop(0) if self._left else self._study.ask()
            record = self._begun(trial)
            if record is not None:
                yield record

    def watched(self, watcher: Watcher) -> Watcher:
        """Return a watcher that tells the study everything, and then `watcher`."""
        return _Watching(self, watcher)

    def ended(self, record: Record) -> None:
        """Tell the study how a training has ended."""
        attempt = next(a for a in self._attempts if a.record is record)
        self._attempts.remove(attempt)
        trial = attempt.trial
        if record.state == "finished":
            self._finish(attempt)
        elif record.state == "failed":
            self._fail(trial, record.note)
        elif attempt.hopeless:
            self._in_a_row = 0
            self._study.prune(trial, attempt.hopeless)
        else:
            # Somebody stopped it, who may go on with it: it stays as it is.
            self.stopped += 1

    def look(self) -> None:
        """Tell the study of new epochs, and stop what it has no hope for."""
        for attempt in self._attempts:
            record = attempt.record
            watched = record.state == "running" and not attempt.hopeless
            if watched and self._report(attempt, record.progress.get("history", [])):
                record.stop(attempt.hopeless)

    def _begun(self, trial: Trial) -> Record | None:
        try:
            job = self._plan.job(trial.settings)
        except ConfigError as error:
            warn(f"{trial.title}: cannot be: {error}")
            self._fail(trial, str(error))
            return None
        self._study.place(trial, job.run.name)
        record = Record(job, title=trial.title)
        self.records.append(record)
        self._attempts.append(_Attempt(trial, record))
        return record

    def _finish(self, attempt: _Attempt) -> None:
        run, trial = attempt.record.job.run, attempt.trial
        self._report(attempt, _history(run))
        metrics = run.read_metrics()
        values = [objective.of(metrics) for objective in self._plan.settings.objectives]
        if all(map(known, values)):
            self._in_a_row = 0
            self._study.finish(trial, values)
        else:
            self._fail(trial, "its score is no number")

    def _fail(self, trial: Trial, reason: str) -> None:
        self._in_a_row += 1
        self.failed.append(reason)
        self._study.fail(trial, reason)
        if self._in_a_row == _MOST_FAILURES:
            warn(f"{_MOST_FAILURES} trials in a row have failed: no more are begun")

    def _report(self, attempt: _Attempt, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Tell the study of new epochs; return whether one of them leaves no hope."""
        column = self._plan.settings.objectives[0].column
        values = {int(row["epoch"]): finite(row[column]) for row in rows}
        for epoch in sorted(epoch for epoch in values if epoch > attempt.epoch):
            attempt.epoch = epoch
            if known(values[epoch]) and self._study.report(attempt.trial, epoch, values[epoch]):
                pruner = self._plan.settings.pruner
                attempt.hopeless = f"hopeless after epoch {epoch} ({pruner} pruner)"
                return True
        return False


class _Watching:
    def __init__(self, conductor: Conductor, watcher: Watcher) -> None:
        self._conductor = conductor
        self._watcher = watcher

    def changed(self, record: Record) -> None:
        """Tell the study of an end, and pass the change on."""
        if record.ended:
            self._conductor.ended(record)
        self._watcher.changed(record)

    def tick(self) -> None:
        """Look at the epochs, and pass the tick on."""
        self._conductor.look()
        self._watcher.tick()


def _history(run: Run) -> list[dict[str, float]]:
    """Return the rows of a finished run; none where they cannot be read, for they only help."""
    with (
        suppress(OSError, ValueError, TypeError, csv.Error),
        run.history.open(newline="", encoding="utf-8") as file,
    ):
        return [
            {key: float(text or "nan") for key, text in row.items()} for row in csv.DictReader(file)
        ]
    return []
