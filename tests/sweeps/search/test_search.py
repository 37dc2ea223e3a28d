"""Whole searches as a user starts them, over the smallest trainings there are."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

import genrecls
from genrecls.cli.sweep import parse
from genrecls.reports.search import Objective, Trial, rank_trials
from genrecls.sweeps.search.plan import plan_search
from genrecls.sweeps.search.storage import open_study
from tests.conftest import RunCommand
from tests.forked import Forked
from tests.sweeps.sweeps import TINY, Place, start, sweep, training, wait_for

SMALL = (
    "search=mlp",
    "search.trials=3",
    "search.startup_trials=1",
    "search.pruner=none",
    "trainer.batch_size=16",
)
EPOCHS = 30
# Long enough to be met in the middle.
LONGER = (f"trainer.epochs={EPOCHS}", "trainer.patience=null")


def trials(place: Place, *more: str, epochs: int = 2) -> list[Trial]:
    """Return what the study holds."""
    plan = plan_search(parse((*TINY, *place.words, *SMALL, *more)))
    with open_study(plan.folder, plan.settings, plan.space, epochs) as study:
        return study.trials


def facts(trials: list[Trial]) -> list[tuple[Any, ...]]:
    return [(t.number, t.state, dict(t.settings), t.values, dict(t.epochs), t.run) for t in trials]


def started(place: Place) -> Forked:
    """Return a search in the middle of a training, for which a stand-in stands."""
    process = start(place, *SMALL, *LONGER)
    wait_for(lambda: training(place) or process.returncode is not None)
    return process


def killed_in_training(place: Place, seconds: float) -> None:
    """Kill a search some time after it was seen to train."""
    process = started(place)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.end()
    # What it has started stops by itself, with a checkpoint.
    wait_for(lambda: not any(run.busy for run in place.runs))


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, data_root: Path, tensorflow: None, process: None
) -> Place:
    """The one search with real trainings."""
    place = Place(data_root, tmp_path_factory.mktemp("whole"))
    status, output = sweep(place, *SMALL, real=True)
    assert status == 0, output
    return place


def test_a_search_ends_in_a_result_that_can_be_trained(
    undisturbed: Place, run_command: RunCommand
) -> None:
    folder = undisturbed.folder
    written = {path.name for path in folder.iterdir()}
    assert written >= {"study.sqlite", "search.md", "search.html", "trials.csv"}
    assert written >= {"history.png", "settings.png", "experiment", "sweep.json"}
    assert [trial.state for trial in trials(undisturbed)] == ["finished"] * 3
    assert {run.search for run in undisturbed.runs} == {folder.name}
    answer = run_command("train", "-cd", str(folder), "experiment=best", *undisturbed.words)
    assert answer.status == 0, answer.err
    assert "this configuration is trained already" in answer.err
    # Now somebody wants the best for itself, and it is listed.
    assert sorted(run.search for run in undisturbed.runs) == ["", folder.name, folder.name]


def test_the_same_command_trains_nothing_again_and_more_trials_go_on(undisturbed: Place) -> None:
    before = facts(trials(undisturbed))
    status, output = sweep(undisturbed, *SMALL)
    assert (status, "started" in output) == (0, False), output
    status, output = sweep(undisturbed, *SMALL, "search.trials=4", "dry_run=true")
    assert status == 0, output
    assert "model.head.dropout" in output
    assert "4 trials: 3 finished, 1 to come" in output
    assert "by what runs of this kind have taken" in output
    assert facts(trials(undisturbed)) == before


def test_the_python_api_returns_the_runs_of_a_search_the_best_first(undisturbed: Place) -> None:
    swept = genrecls.sweep(*TINY, *undisturbed.words, *SMALL, progress=False)
    ranked = rank_trials(trials(undisturbed), (Objective("", larger=True),))
    assert [run.name for run in swept.runs] == [trial.run for trial in ranked]
    assert swept.failed == {}


@pytest.mark.process
def test_a_search_that_is_killed_again_and_again_ends_like_an_undisturbed_one(
    place: Place, data_root: Path, tmp_path: Path
) -> None:
    calm = Place(data_root, tmp_path / "calm")
    assert sweep(calm, *SMALL, *LONGER)[0] == 0
    for moment in np.random.default_rng(6).uniform(0, 1, 3):
        killed_in_training(place, moment)
    status, output = sweep(place, *SMALL, *LONGER)
    assert status == 0, output
    both = [facts(trials(each, *LONGER, epochs=EPOCHS)) for each in (place, calm)]
    assert both[0] == both[1]
    assert [len(trial[4]) for trial in both[0]] == [EPOCHS] * 3
    assert {run.name for run in place.runs} == {run.name for run in calm.runs}


@pytest.mark.process
def test_ctrl_c_leaves_a_trial_that_continues(place: Place) -> None:
    process = started(place)
    process.send_signal(signal.SIGINT)
    status, output = process.end()
    assert status == 130, output
    assert "nothing is lost: repeat the command to continue" in output
    assert trials(place, *LONGER, epochs=EPOCHS)[-1].state == "running"
    _, plan = sweep(place, *SMALL, *LONGER, "dry_run=true")
    assert "3 trials: 1 interrupted, 2 to come" in plan


def test_a_search_that_another_process_runs_is_one_line(
    place: Place, run_command: RunCommand
) -> None:
    words = (*TINY, *place.words, *SMALL)
    folder = plan_search(parse(words)).folder
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock"):
        answer = run_command("sweep", *words)
    assert answer.status == 75
    assert "is running in another process" in answer.error


def test_without_optuna_it_is_one_line_what_to_install(
    monkeypatch: pytest.MonkeyPatch, run_command: RunCommand
) -> None:
    monkeypatch.setattr("genrecls.sweeps.search.runner.find_spec", lambda _: None)
    answer = run_command("sweep", "search=mlp")
    assert answer.error.endswith("pip install 'genrecls[search]'")


@pytest.mark.process
def test_nothing_of_the_search_imports_tensorflow() -> None:
    code = (
        "import sys; import genrecls.sweeps.search.runner, genrecls.sweeps.search.result; "
        "import genrecls.sweeps.search.storage; assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
