"""A condition chooses runs by state, settings and scores, and is nothing but a condition."""

from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.errors import ConfigError
from genrecls.runs.run import Run
from genrecls.runs.run_filter import RunFilter, count_trials, facts_of, select_runs
from tests.runs.damage import damage_run
from tests.runs.finished_runs import Made, finished_run

FACTS = {
    "model": "rnn",
    "model.units": [64, 32],
    "seed": 3,
    "trainer.epochs": 40,
    "test.accuracy": 0.75,
    "generated": False,
    "sweep": "search-rnn-1a2b3c",
    "run": "made here-1",
    "segment.count": None,
}


@pytest.mark.parametrize(
    "text",
    [
        "model=rnn",
        "model == 'rnn'",
        "model=rnn and seed>2",
        "model=cnn or (seed>=3 and not generated)",
        "not model=cnn",
        "model!=cnn",
        "model in [cnn, rnn]",
        "model not in ['cnn', 'mlp']",
        "seed in (1,2,3)",
        "test.accuracy>.7 and test.accuracy<7.6e-1",
        "seed>-1",
        "seed=3.0",
        "generated=false",
        "segment.count=null",
        "not segment.count>3",
        "sweep=search-rnn-1a2b3c",
        "run='made here-1'",
        "run>=made",
        "model.units=[64,32]",
        "absent=null",
        "absent!=7",
    ],
)
def test_a_condition_that_a_run_meets(text: str) -> None:
    assert RunFilter.parse(text).matches(FACTS)


@pytest.mark.parametrize(
    "text",
    [
        "model=RNN",
        "seed<3",
        "seed=30",
        "generated",
        "absent>0",
        "segment.count<9",
        "model in [cnn]",
    ],
)
def test_a_condition_that_a_run_does_not_meet(text: str) -> None:
    assert not RunFilter.parse(text).matches(FACTS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "model=",
        "=3",
        "model rnn",
        "model=rnn seed=3",
        "3=seed",
        "1 < seed < 5",
        "(seed=3",
        "__import__('os').system('true')",
        "model.lower()=rnn",
        "model[0]=r",
        "lambda: 1",
        "seed:=3",
        "seed=[x for x in y]",
        "seed is 3",
        "seed in 3",
        "seed>true",
        "seed>[1]",
        "seed=1e999",
        "seed in [1e999j]",
        "'text'",
        "{}",
        "seed=3\nmodel=rnn",
        "seed\0=3",
        "not " * 200 + "seed=3 or " * 20 + "seed=3",
        "(" * 300 + "seed" + ")" * 300,
        "seed+1=3",
        "*seed",
        "await seed",
        "f'{seed}'=3",
    ],
)
def test_what_is_no_condition_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is no condition.*expected something such as") as error:
        RunFilter.parse(text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_texts_and_numbers_have_no_order() -> None:
    with pytest.raises(ConfigError, match="model is 'rnn', neither larger nor smaller than 3"):
        RunFilter.parse("model>3").matches(FACTS)


def test_an_unknown_key_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    runs = [finished_run(tmp_path, "a")]
    with pytest.raises(ConfigError, match=r"unknown key 'trainer.epoch'; did you mean 'trainer"):
        select_runs(runs, "trainer.epoch=3")
    with pytest.raises(ConfigError, match=r"allowed: run, status, .*, and every setting"):
        select_runs(runs, "x=3")


def test_a_run_is_known_by_state_settings_and_scores(tmp_path: Path) -> None:
    facts = facts_of(finished_run(tmp_path, "a", Made(model="crnn", settings={"units": 8})))
    assert facts["run"] == "a"
    assert facts["status"] == "finished"
    assert facts["model"] == "crnn"
    assert facts["model.units"] == 8
    assert facts["test.accuracy"] == facts["test.track.accuracy"] == 0.75
    assert facts["parameters"] == 1234


def test_a_damaged_run_is_found_by_what_is_left_of_it(tmp_path: Path) -> None:
    runs = [finished_run(tmp_path, "a"), finished_run(tmp_path, "b")]
    damage_run(runs[1], "metrics.json deep")
    assert select_runs(runs, "status=damaged") == ([runs[1]], [])
    assert select_runs(runs, "test.accuracy>0") == ([runs[0]], [])


def test_trials_are_apart_unless_they_are_asked_for(tmp_path: Path) -> None:
    own, of_sweep, trial = (finished_run(tmp_path, name) for name in ("own", "of-sweep", "trial"))
    of_sweep.mark("finished", sweep="1a2b3c4d")
    trial.mark("pruned", sweep="search-cnn-1a2b")
    runs = [own, of_sweep, trial]
    assert select_runs(runs) == ([own, of_sweep], [trial])
    assert select_runs(runs, trials=True) == (runs, [])
    assert select_runs(runs, "seed=0") == ([own, of_sweep], [trial])
    assert select_runs(runs, "sweep=search-cnn-1a2b") == ([trial], [])


def test_trials_are_counted_by_search_and_state(tmp_path: Path) -> None:
    runs = [Run(tmp_path / name) for name in "abc"]
    for run in runs:
        run.mark("pruned", sweep="search-cnn-1a2b")
    runs[0].mark("failed")
    assert count_trials(runs) == "3 trials of search-cnn-1a2b (1 failed, 2 pruned)"
    runs[0].mark("failed", sweep="search-rnn-1a2b")
    assert count_trials(runs) == "3 trials of 2 searches (1 failed, 2 pruned)"
