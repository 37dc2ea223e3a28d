"""How long trainings will take, from what finished ones of the same kind have taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from genrecls.config.experiment import Experiment
from genrecls.errors import RunError
from genrecls.runs import Run, all_runs
from genrecls.sweeping.records import Record


@dataclass(frozen=True)
class Cost:
    """What a finished run has taken.

    Attributes:
        epoch: seconds of training an epoch.
        rest: seconds of everything else that is repeated in every run.
    """

    epoch: float
    rest: float


class Estimates:
    """What runs of each data set, features and model have taken; learns while a sweep goes on."""

    def __init__(self, output_roots: Iterable[Path]) -> None:
        self._costs: dict[str, list[Cost]] = {}
        for root in dict.fromkeys(output_roots):
            for run in all_runs(root):
                self.learn(run)

    def learn(self, run: Run) -> None:
        """Take note of what a run has taken, if it is finished."""
        cost = _cost(run) if run.finished else None
        if cost is not None:
            self._costs.setdefault(_kind(run), []).append(cost)

    def seconds(self, record: Record) -> float | None:
        """Return seconds that a training takes at most from now on; None where nobody knows."""
        return self._seconds(record, {})

    def left(self, records: Sequence[Record], jobs: int) -> float | None:
        """Return seconds that all take at most, so many at once; None where nobody knows.

        What nothing has finished of is judged by the epochs of those that are running.
        """
        running = {
            _kind(record.job.run): cost
            for record in records
            if record.state == "running" and (cost := _so_far(record)) is not None
        }
        each = [self._seconds(record, running) for record in records]
        known = [seconds for seconds in each if seconds is not None]
        if len(known) < len(each):
            return None
        return max(sum(known) / jobs, *known) if known else 0.0

    def _seconds(self, record: Record, running: Mapping[str, Cost]) -> float | None:
        if record.ended:
            return 0.0
        kind = _kind(record.job.run)
        cost = self._mean(kind) or running.get(kind)
        left = record.progress.get("seconds_left") if record.state != "waiting" else None
        if isinstance(left, int | float):
            return left + (cost.rest if cost else 0.0)
        if cost is None:
            return None
        return cost.epoch * epochs_of(record.job.experiment) + cost.rest

    def _mean(self, kind: str) -> Cost | None:
        known = self._costs.get(kind)
        if not known:
            return None
        return Cost(mean(cost.epoch for cost in known), mean(cost.rest for cost in known))


def epochs_of(experiment: Experiment) -> int:
    """Return how many epochs a training has at most, in all its stages."""
    usual = experiment.trainer.epochs
    return sum(stage.epochs or usual for stage in experiment.model.stages())


def _kind(run: Run) -> str:
    """Return the name of a run without its identity: data set, features and model."""
    return run.name.rpartition("-")[0]


def _cost(run: Run) -> Cost | None:
    with suppress(RunError, OSError, LookupError, TypeError, ValueError):
        seconds = run.read_metrics()["seconds"]
        epochs = len(run.history.read_text(encoding="utf-8").splitlines()) - 1
        rest = sum(
            float(s) for stage, s in seconds.items() if stage not in {"training", "features"}
        )
        return Cost(float(seconds["training"]) / max(epochs, 1), rest)
    return None


def _so_far(record: Record) -> Cost | None:
    """Return what the epochs of a running training have taken; None before the first."""
    progress = record.progress
    epoch, seconds = progress.get("epoch"), progress.get("seconds")
    return Cost(float(seconds) / int(epoch), 0.0) if epoch and seconds else None
