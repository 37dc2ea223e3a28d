"""How long trainings will take, from what finished runs of the same kind have taken."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genrecls.config.relevant import relevant
from genrecls.errors import RunError
from genrecls.experiment.experiment import Experiment
from genrecls.models.base import Stage
from genrecls.models.sklearn import Sklearn
from genrecls.runs.find import all_runs
from genrecls.runs.run import Run
from genrecls.sweeps.job import Job

# Seconds of a process that no run records: its start, imports, data, compilation, the report.
# Measured on two cores: 17 to 30.
_OVERHEAD = 20.0


@dataclass(frozen=True)
class Cost:
    """What a run has taken.

    Attributes:
        epoch: seconds of training an epoch.
        rest: seconds of everything else that the process of every run does, its start included.
    """

    epoch: float
    rest: float


class Estimates:
    """What runs of each data set, features and model have taken; learns while a sweep runs.

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
        """Add a run; its files are read when the time of a run of its kind is asked for."""
        self._unread.setdefault(_title(run), []).append(run)

    def seconds(self, job: Job) -> float | None:
        """Return seconds that a training takes at most from now on; None if unknown."""
        return self._seconds(job, {})

    def left(self, jobs: Sequence[Job], at_once: int) -> float | None:
        """Return seconds that all take at most, `at_once` in parallel; None if unknown.

        A kind of which nothing has finished is estimated by the epochs of those that are running.
        """
        running: dict[str, Cost] = {}
        for job in jobs:
            progress = job.progress if job.state == "running" else {}
            epoch, seconds = progress.get("epoch"), progress.get("seconds")
            if epoch and seconds:
                kind = _kind(job.run, job.experiment.resolved())
                running[kind] = Cost(float(seconds) / int(epoch), _OVERHEAD)
        each = [self._seconds(job, running) for job in jobs]
        known = [seconds for seconds in each if seconds is not None]
        if len(known) < len(each):
            return None
        return max(sum(known) / at_once, *known) if known else 0.0

    def _seconds(self, job: Job, running: Mapping[str, Cost]) -> float | None:
        if job.ended:
            return 0.0
        for run in self._unread.pop(_title(job.run), []):
            if run.finished and (measured := _measured(run)):
                self._costs.setdefault(measured[0], []).append(measured[1])
        kind = _kind(job.run, job.experiment.resolved())
        cost = running.get(kind)
        if costs := self._costs.get(kind):
            cost = Cost(max(cost.epoch for cost in costs), max(cost.rest for cost in costs))
        left = job.progress.get("seconds_left") if job.state != "waiting" else None
        if isinstance(left, int | float):
            return left + (cost.rest if cost else _OVERHEAD)
        return None if cost is None else cost.epoch * count_epochs(job.experiment) + cost.rest


def count_epochs(experiment: Experiment) -> int:
    """Return how many epochs a training has at most, in all its stages and rounded ones too."""
    family, usual = experiment.model, experiment.trainer.epochs
    # An estimator is fitted at once.
    stages = (Stage(epochs=1),) if isinstance(family, Sklearn) else family.stages()
    rounded = experiment.trainer.int8_epochs
    return sum(stage.epochs or usual for stage in stages) + rounded


def _title(run: Run) -> str:
    """Return the name of a run without its identity: data set, features and model."""
    return run.name.rpartition("-")[0]


def _kind(run: Run, config: Mapping[str, Any]) -> str:
    # Where the data lie does not change how many there are.
    settings = relevant(config)
    return json.dumps([_title(run), settings["dataset"], settings.get("segment")], sort_keys=True)


def _measured(run: Run) -> tuple[str, Cost] | None:
    """Return the kind of a finished run and what it has taken; None where its files are damaged."""
    try:
        config, metrics = run.read_config(), run.read_metrics()
    except RunError:
        return None
    stages = dict(metrics.seconds)
    if "training" not in stages:
        return None
    training = stages.pop("training")
    # A sweep has extracted them before.
    stages.pop("features", None)
    whole = run.state.get("seconds")
    rest = sum(stages.values()) + _OVERHEAD if whole is None else whole - training
    return _kind(run, config), Cost(training / metrics.selection.epochs, rest)
