"""Trials become trainings, and the study is told their results; nothing is trained."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from genrecls.errors import ConfigError, DataError, GenreclsError, RunError
from genrecls.experiment.experiment import Experiment
from genrecls.files.tables import read_rows
from genrecls.reports.style import new_figure
from genrecls.runs.run import Run
from genrecls.sweeps.job import Job
from genrecls.sweeps.plan import Planner
from genrecls.sweeps.process import JobResult
from genrecls.sweeps.search import result
from genrecls.sweeps.search.plan import SearchPlan
from genrecls.sweeps.search.runner import SearchRunner
from genrecls.sweeps.search.storage import open_study
from tests.runs.damage import damage_run
from tests.runs.finished_runs import Made, finished_run
from tests.sweeps.search.spaces import settings, space


class Stand:
    """Stands for the scheduler: does with the trainings what a test says."""

    def __init__(self, root: Path, stack: ExitStack, **changes: Any) -> None:
        self.root = root
        self.plan = _Plan(settings(**changes), space(), None, (), _job(root, "start"), Planner())
        opened = open_study(root, self.plan.settings, self.plan.space, epochs=10)
        self.study = stack.enter_context(opened)
        self.runner = SearchRunner(self.plan, self.study)
        self.queue: Iterator[Job] = self.runner.queue()

    def begin(self) -> Job:
        job = next(self.queue)
        job.state = "running"
        return job

    def finish(self, job: Job, validation: tuple[int, ...] = (1, 0)) -> None:
        shutil.rmtree(job.run.folder, ignore_errors=True)
        finished_run(self.root, job.run.name, Made(validation=validation))
        job.mark("finished")
        self.runner.changed(job)

    def end(self, job: Job, ending: JobResult) -> None:
        job.end(ending)
        self.runner.changed(job)

    def progress(self, job: Job, *accuracies: float) -> None:
        rows = [
            {"epoch": epoch, "validation_accuracy": value, "validation_loss": 1 - value}
            for epoch, value in enumerate(accuracies, start=1)
        ]
        job.run.folder.mkdir(exist_ok=True)
        job.run.progress_file.write_text(
            json.dumps({"epoch": len(rows), "epochs": 10, "history": rows})
        )
        self.runner.tick()

    @property
    def states(self) -> list[str]:
        return [trial.state for trial in self.study.trials]


class _Plan(SearchPlan):
    """Names the run by the settings; no data are looked at."""

    def job(self, chosen: Any) -> Job:
        return _job(self.start.run.folder.parent, "-".join(chosen.values()))


class _Refusing(_Plan):
    error: type[GenreclsError]

    def job(self, chosen: Any) -> Job:
        raise self.error(f"impossible together: {len(chosen)} settings")


def _job(root: Path, name: str) -> Job:
    return Job((), _experiment(), Run(root / name))


@cache
def _experiment() -> Experiment:
    return Planner().experiment(("debug=smoke",))


MakeStand = Callable[..., Stand]


@pytest.fixture
def make_stand(tmp_path: Path) -> Iterator[MakeStand]:
    """Makes stands whose studies are closed after the test."""
    with ExitStack() as stack:
        yield partial(Stand, tmp_path, stack)


def test_trials_are_begun_one_by_one_until_there_are_enough(make_stand: MakeStand) -> None:
    stand = make_stand()
    for _ in range(4):
        stand.finish(stand.begin())
    assert next(stand.queue, None) is None
    assert stand.states == ["finished"] * 4
    assert [trial.values for trial in stand.study.trials] == [(0.5,)] * 4
    assert [trial.epochs[3] for trial in stand.study.trials] == [pytest.approx(1 / 3)] * 4
    assert [job.title for job in stand.runner.jobs][:2] == ["trial 0", "trial 1"]


def test_a_training_that_promises_nothing_is_stopped_and_counted(make_stand: MakeStand) -> None:
    stand = make_stand()
    for _ in range(2):
        job = stand.begin()
        stand.progress(job, 0.5, 0.6)
        stand.finish(job)
    job = stand.begin()
    asked: list[str] = []
    job.stop = asked.append  # type: ignore[assignment, method-assign]
    stand.progress(job, 0.5)
    stand.progress(job, 0.5, 0.1)
    stand.progress(job, 0.1, 0.1, 0.1)
    assert len(asked) == 1
    stand.end(job, JobResult("stopped", asked[0]))
    assert stand.states == ["finished", "finished", "pruned"]
    assert stand.study.trials[2].reason.startswith("stopped early after epoch")
    assert stand.runner.missing == 1


def pruned_training(stand: Stand) -> tuple[Job, str]:
    """Return a training that was stopped early, before anybody hears of it, and the reason."""
    for _ in range(2):
        job = stand.begin()
        stand.progress(job, 0.9, 0.9)
        stand.finish(job)
    job = stand.begin()
    asked: list[str] = []
    job.stop = asked.append  # type: ignore[assignment, method-assign]
    job.run.mark("interrupted", sweep=stand.plan.name)
    stand.progress(job, 0.1, 0.1, 0.1)
    return job, asked[0]


def test_a_run_that_was_stopped_early_is_called_pruned(make_stand: MakeStand) -> None:
    stand = make_stand()
    job, reason = pruned_training(stand)
    stand.end(job, JobResult("stopped", reason))
    assert job.run.status == "pruned"
    assert job.run.state["reason"] == reason
    assert job.run.search == stand.plan.name


def test_a_search_that_was_killed_calls_it_pruned_with_the_next_call(make_stand: MakeStand) -> None:
    stand = make_stand()
    job, reason = pruned_training(stand)
    # As runs of earlier versions, it does not know its search.
    job.run.state_file.write_text('{"status": "interrupted"}')
    stand.study.prune(stand.study.trials[-1], reason)
    again = make_stand()
    assert job.run.status == "pruned"
    assert job.run.search == again.plan.name


def test_a_run_that_was_trained_further_is_not_called_pruned(make_stand: MakeStand) -> None:
    stand = make_stand()
    job, reason = pruned_training(stand)
    stand.end(job, JobResult("stopped", reason))
    job.run.mark("finished")
    make_stand()
    assert job.run.state["status"] == "finished"


def test_a_training_that_finishes_before_it_can_be_stopped_counts_as_finished(
    make_stand: MakeStand,
) -> None:
    stand = make_stand()
    for _ in range(2):
        job = stand.begin()
        stand.progress(job, 0.9, 0.9)
        stand.finish(job)
    job = stand.begin()
    stand.progress(job, 0.1, 0.1)
    stand.finish(job)
    assert stand.states[2] == "finished"


def test_a_failed_training_is_recorded_and_another_one_begun(make_stand: MakeStand) -> None:
    stand = make_stand(trials=2)
    stand.end(stand.begin(), JobResult("failed", "took too much"))
    stand.finish(stand.begin())
    stand.finish(stand.begin())
    assert stand.states == ["failed", "finished", "finished"]
    assert stand.runner.failed == ["took too much"]
    assert stand.runner.missing == 0


def test_five_failures_in_a_row_are_enough_and_said(
    make_stand: MakeStand, capsys: pytest.CaptureFixture[str]
) -> None:
    stand = make_stand(trials=20)
    for _ in range(5):
        stand.end(stand.begin(), JobResult("failed", "no disk"))
    assert next(stand.queue, None) is None
    assert stand.runner.missing == 0
    assert "5 trials in a row have failed: no more are started" in capsys.readouterr().err


@pytest.mark.parametrize("error", [ConfigError, DataError, RunError])
def test_settings_that_are_impossible_together_are_a_failed_trial(
    error: type[GenreclsError], make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Refusing, "error", error, raising=False)
    stand = make_stand()
    plan = _Refusing(**vars(stand.plan))
    runner = SearchRunner(plan, stand.study)
    assert list(runner.queue()) == []
    assert stand.states == ["failed"] * 5
    assert stand.study.trials[0].reason == "impossible together: 3 settings"


def test_a_training_stopped_by_somebody_continues_with_the_next_call(make_stand: MakeStand) -> None:
    stand = make_stand()
    job = stand.begin()
    stand.end(job, JobResult("stopped", "was stopped from outside"))
    assert stand.runner.stopped == 1
    assert stand.runner.missing == 3
    again = make_stand()
    assert again.begin().run.name == job.run.name
    assert len(again.study.trials) == 1


def test_a_search_can_be_extended(make_stand: MakeStand) -> None:
    stand = make_stand(trials=1)
    stand.finish(stand.begin())
    assert make_stand(trials=1).runner.missing == 0
    assert make_stand(trials=3).runner.missing == 2


def test_how_many_trials_there_are_is_no_part_of_the_name(make_stand: MakeStand) -> None:
    plan = make_stand().plan
    extended = replace(plan, settings=replace(plan.settings, trials=99))
    other = replace(plan, settings=replace(plan.settings, seed=1))
    assert extended.name == plan.name
    assert other.name != plan.name
    assert plan.name.startswith("search-cnn-")


def test_a_run_that_cannot_be_read_is_a_failed_trial_and_another_one_is_begun(
    make_stand: MakeStand,
) -> None:
    stand = make_stand(trials=1)
    job = stand.begin()
    finished_run(stand.root, job.run.name)
    damage_run(job.run, "metrics.json deep")
    job.mark("finished")
    stand.runner.changed(job)
    stand.finish(stand.begin())
    assert stand.states == ["failed", "finished"]
    assert "metrics.json is damaged (it is nested too deeply)" in stand.study.trials[0].reason


@pytest.mark.parametrize("damage", ["run.json deep", "a recursive alias"])
def test_the_best_run_that_can_be_read_is_the_best(
    damage: str, make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = make_stand(trials=2)
    monkeypatch.chdir(stand.root)
    drawn = dict.fromkeys(("history", "settings"), new_figure("title", "about", (3, 2)))
    monkeypatch.setattr(result, "figures", lambda _: drawn)
    best, other = stand.begin(), stand.begin()
    stand.finish(best, (1, 1))
    stand.finish(other)
    damage_run(best.run, damage)
    runs = result.write_result(stand.plan, stand.study, "genrecls sweep search=mlp")
    assert [run.name for run in runs] == [other.run.name]
    rows = read_rows(stand.plan.folder / "trials.csv")
    assert [row["state"] for row in rows] == ["failed", "finished"]
    assert "is damaged (" in rows[0]["reason"]
    best_file = stand.plan.folder / "experiment" / "best.yaml"
    assert "# trial 1 of search-" in best_file.read_text()


class _Outside(_Plan):
    """Trials with one layer in the head fit the target."""

    def reasons_outside(self, job: Job) -> list[str]:
        return [] if "[16]" in job.run.name else ["memory: 2 bytes; there is 1"]


def _outside(stand: Stand, **changes: Any) -> SearchRunner:
    plan = _Outside(**vars(stand.plan))
    return SearchRunner(replace(plan, settings=replace(plan.settings, **changes)), stand.study)


def test_what_would_not_fit_the_target_is_said_and_not_trained_and_does_not_count(
    make_stand: MakeStand, capsys: pytest.CaptureFixture[str]
) -> None:
    stand = make_stand()
    runner = _outside(stand, target="cortex-m4", trials=6)
    jobs = list(runner.queue())
    assert ["[16]" in job.run.name for job in jobs] == [True] * 6
    outside = [trial for trial in stand.study.trials if trial.state == "outside"]
    assert outside
    assert {trial.run for trial in outside} == {""}
    reason = "would not fit cortex-m4: memory: 2 bytes; there is 1"
    assert {trial.reason for trial in outside} == {reason}
    assert f"{outside[0].title} is not trained: it {reason}" in capsys.readouterr().err
    assert runner.failed == []


def test_a_space_in_which_nothing_fits_is_not_searched_for_ever(
    make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = make_stand()
    monkeypatch.setattr(_Outside, "reasons_outside", lambda *_: ["too large"])
    runner = _outside(stand, target="cortex-m4")
    assert list(runner.queue()) == []
    assert stand.states == ["outside"] * 20
    assert runner.missing == 0


def test_a_search_from_before_there_were_targets_keeps_its_name(make_stand: MakeStand) -> None:
    plan = make_stand().plan
    with_target = replace(plan, settings=replace(plan.settings, target="rpi"))
    assert with_target.name != plan.name
    assert plan.name == "search-cnn-4a599e13"
