"""Trials become trainings, and what comes of those is told to the study; nothing is trained."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genrecls.errors import ConfigError
from genrecls.runs.run import Run
from genrecls.sweeps.job import Job, Record
from genrecls.sweeps.plan import Planner
from genrecls.sweeps.process import JobResult
from genrecls.sweeps.search.plan import SearchPlan
from genrecls.sweeps.search.runner import Conductor
from genrecls.sweeps.search.study import Study
from tests.runs.finished_runs import Made, finished_run
from tests.sweeps.search.spaces import settings, space


class Stand:
    """Stands for the engine: does with the trainings what a test says."""

    def __init__(self, root: Path, **changes: Any) -> None:
        self.root = root
        self.plan = _Plan(settings(**changes), space(), (), (), _job(root, "start"), Planner())
        path = root / "study.journal"
        self.study = Study(path, self.plan.settings, self.plan.space, epochs=10)
        self.conductor = Conductor(self.plan, self.study)
        self.watcher = self.conductor.watched(_Nobody())
        self.queue: Iterator[Record] = self.conductor.queue()

    def begin(self) -> Record:
        record = next(self.queue)
        record.state = "running"
        return record

    def finish(self, record: Record, validation: tuple[int, ...] = (1, 0)) -> None:
        shutil.rmtree(record.job.run.folder, ignore_errors=True)
        finished_run(self.root, record.job.run.name, Made(validation=validation))
        record.found("finished", "")
        self.watcher.changed(record)

    def end(self, record: Record, ending: JobResult) -> None:
        record.end(ending)
        self.watcher.changed(record)

    def progress(self, record: Record, *accuracies: float) -> None:
        rows = [
            {"epoch": epoch, "validation_accuracy": value, "validation_loss": 1 - value}
            for epoch, value in enumerate(accuracies, start=1)
        ]
        record.job.run.folder.mkdir(exist_ok=True)
        record.job.run.progress.write_text(json.dumps({"history": rows}))
        self.watcher.tick()

    @property
    def states(self) -> list[str]:
        return [trial.state for trial in self.study.trials]


class _Plan(SearchPlan):
    """Names the run by the settings; no data are looked at."""

    def job(self, chosen: Any) -> Job:
        return _job(self.start.run.folder.parent, "-".join(chosen.values()))


class _Refusing(_Plan):
    def job(self, chosen: Any) -> Job:
        raise ConfigError(f"impossible together: {len(chosen)} settings")


class _Nobody:
    def changed(self, record: Record) -> None: ...

    def tick(self) -> None: ...


def _job(root: Path, name: str) -> Job:
    return Job((), Planner().experiment(("debug=smoke",)), Run(root / name))


def test_trials_are_begun_one_by_one_until_there_are_enough(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    for _ in range(4):
        stand.finish(stand.begin())
    assert next(stand.queue, None) is None
    assert stand.states == ["finished"] * 4
    assert [trial.values for trial in stand.study.trials] == [(0.5,)] * 4
    assert [trial.epochs[3] for trial in stand.study.trials] == [pytest.approx(1 / 3)] * 4
    assert [record.title for record in stand.conductor.records][:2] == ["trial 0", "trial 1"]


def test_a_hopeless_training_is_stopped_and_counted(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    for _ in range(2):
        record = stand.begin()
        stand.progress(record, 0.5, 0.6)
        stand.finish(record)
    record = stand.begin()
    asked: list[str] = []
    record.stop = asked.append  # type: ignore[assignment, method-assign]
    stand.progress(record, 0.5)
    stand.progress(record, 0.5, 0.1)
    stand.progress(record, 0.1, 0.1, 0.1)
    assert len(asked) == 1
    stand.end(record, JobResult("stopped", asked[0]))
    assert stand.states == ["finished", "finished", "pruned"]
    assert stand.study.trials[2].reason.startswith("hopeless after epoch")
    assert stand.conductor.missing == 1


def test_a_training_that_finishes_before_it_can_be_stopped_counts_as_finished(
    tmp_path: Path,
) -> None:
    stand = Stand(tmp_path)
    for _ in range(2):
        record = stand.begin()
        stand.progress(record, 0.9, 0.9)
        stand.finish(record)
    record = stand.begin()
    stand.progress(record, 0.1, 0.1)
    stand.finish(record)
    assert stand.states[2] == "finished"


def test_a_failed_training_is_recorded_and_another_one_begun(tmp_path: Path) -> None:
    stand = Stand(tmp_path, trials=2)
    stand.end(stand.begin(), JobResult("failed", "took too much"))
    stand.finish(stand.begin())
    stand.finish(stand.begin())
    assert stand.states == ["failed", "finished", "finished"]
    assert stand.conductor.failed == ["took too much"]
    assert stand.conductor.missing == 0


def test_five_failures_in_a_row_are_enough_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand = Stand(tmp_path, trials=20)
    for _ in range(5):
        stand.end(stand.begin(), JobResult("failed", "no disk"))
    assert next(stand.queue, None) is None
    assert stand.conductor.missing == 0
    assert "5 trials in a row have failed: no more are begun" in capsys.readouterr().err


def test_settings_that_are_impossible_together_are_a_failed_trial(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    plan = _Refusing(**vars(stand.plan))
    conductor = Conductor(plan, stand.study)
    assert list(conductor.queue()) == []
    assert stand.states == ["failed"] * 5
    assert stand.study.trials[0].reason == "impossible together: 3 settings"


def test_a_training_stopped_by_somebody_goes_on_with_the_next_call(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    record = stand.begin()
    stand.end(record, JobResult("stopped", "was stopped from outside"))
    assert stand.conductor.stopped == 1
    assert stand.conductor.missing == 3
    again = Stand(tmp_path)
    assert again.begin().job.run.name == record.job.run.name
    assert len(again.study.trials) == 1


def test_a_search_can_be_extended(tmp_path: Path) -> None:
    stand = Stand(tmp_path, trials=1)
    stand.finish(stand.begin())
    assert Stand(tmp_path, trials=1).conductor.missing == 0
    assert Stand(tmp_path, trials=3).conductor.missing == 2


def test_how_many_trials_there_are_is_no_part_of_the_name(tmp_path: Path) -> None:
    plan = Stand(tmp_path).plan
    extended = replace(plan, settings=replace(plan.settings, trials=99))
    other = replace(plan, settings=replace(plan.settings, seed=1))
    assert extended.name == plan.name
    assert other.name != plan.name
    assert plan.name.startswith("search-cnn-")
