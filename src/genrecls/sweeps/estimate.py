"""How long trainings will take, from what finished ones of the same kind have taken."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genrecls.errors import RunError
from genrecls.experiment.experiment import Experiment
from genrecls.experiment.run_id import IRRELEVANT
from genrecls.runs.run import Run, all_runs
from genrecls.sweeps.job import Record

# Seconds of a process that no run has told of: its start, imports, data, compilation, the report.
# Measured on two cores: 17 to 30.
_STARTING = 20.0


@dataclass(frozen=True)
class Cost:
    """What a finished run has taken.

    Attributes:
        epoch: seconds of training an epoch.
        rest: seconds of everything else that the process of every run does, its start included.
    """

    epoch: float
    rest: float


class Estimates:
    """What runs of each data set, features and model have taken; learns while a sweep goes on.

    Of one kind are runs with equal settings of the data set and of the segments, and with the
    same name of features and of model.
    """

    def __init__(self, output_roots: Iterable[Path]) -> None:
        self._costs: dict[str, list[Cost]] = {}
        self._unread: dict[str, list[Run]] = {}
        for root in dict.fromkeys(output_roots):
            for run in all_runs(root):
                self.learn(run)

    def learn(self, run: Run) -> None:
        """Take note of a run: what it has taken is read when somebody asks for its kind."""
        self._unread.setdefault(_title(run), []).append(run)

    def seconds(self, record: Record) -> float | None:
        """Return seconds that a training takes at most from now on; None where nobody knows."""
        return self._seconds(record, {})

    def left(self, records: Sequence[Record], jobs: int) -> float | None:
        """Return seconds that all take at most, so many at once; None where nobody knows.

        What nothing has finished of is judged by the epochs of those that are running.
        """
        running = {
            _kind(record): cost
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
        kind = _kind(record)
        self._read(_title(record.job.run))
        cost = self._most(kind) or running.get(kind)
        left = record.progress.get("seconds_left") if record.state != "waiting" else None
        if isinstance(left, int | float):
            return left + (cost.rest if cost else _STARTING)
        if cost is None:
            return None
        return cost.epoch * epochs_of(record.job.experiment) + cost.rest

    def _read(self, title: str) -> None:
        for run in self._unread.pop(title, []):
            known = _known(run) if run.finished else None
            if known is not None:
                self._costs.setdefault(known[0], []).append(known[1])

    def _most(self, kind: str) -> Cost | None:
        known = self._costs.get(kind)
        if not known:
            return None
        return Cost(max(cost.epoch for cost in known), max(cost.rest for cost in known))


def epochs_of(experiment: Experiment) -> int:
    """Return how many epochs a training has at most, in all its stages."""
    usual = experiment.trainer.epochs
    return sum(stage.epochs or usual for stage in experiment.model.stages())


def _title(run: Run) -> str:
    """Return the name of a run without its identity: data set, features and model."""
    return run.name.rpartition("-")[0]


def _kind(record: Record) -> str:
    return _kind_of(record.job.run, record.job.experiment.resolved())


def _kind_of(run: Run, config: Mapping[str, Any]) -> str:
    # Where the data lie does not change how many there are.
    places = {place[-1] for place in IRRELEVANT if place[0] == "dataset"}
    dataset = {key: value for key, value in config["dataset"].items() if key not in places}
    return json.dumps([_title(run), dataset, config["segment"]], sort_keys=True)


def _known(run: Run) -> tuple[str, Cost] | None:
    """Return the kind of a finished run and what it has taken; None where it does not tell."""
    import yaml

    with suppress(RunError, OSError, LookupError, TypeError, ValueError, yaml.YAMLError):
        # The one in C, where it was built, is ten times as fast.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        config = yaml.load(run.config.read_text(encoding="utf-8"), loader)  # noqa: S506
        return _kind_of(run, config), _cost(run)
    return None


def _cost(run: Run) -> Cost:
    stages = {stage: float(s) for stage, s in run.read_metrics()["seconds"].items()}
    epochs = len(run.history.read_text(encoding="utf-8").splitlines()) - 1
    training = stages.pop("training")
    # A sweep has extracted them before.
    stages.pop("features", None)
    whole = run.state.get("seconds")
    rest = sum(stages.values()) + _STARTING if whole is None else float(whole) - training
    return Cost(training / max(epochs, 1), rest)


def _so_far(record: Record) -> Cost | None:
    """Return what the epochs of a running training have taken; None before the first."""
    progress = record.progress
    epoch, seconds = progress.get("epoch"), progress.get("seconds")
    return Cost(float(seconds) / int(epoch), _STARTING) if epoch and seconds else None
