"""Words with several values become trainings, each once and each checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from genrecls.config.compose import compose
from genrecls.config.overrides import combine_values
from genrecls.errors import ConfigError, DataError
from genrecls.runs.run import Run
from genrecls.sweeps.estimate import Estimates
from genrecls.sweeps.job import Job
from genrecls.sweeps.plan import Planner, plan_jobs, sweep_name
from genrecls.sweeps.progress import announcement
from tests.sweeps.sweeps import TINY, Place


def plan(place: Place, *words: str) -> list[Job]:
    return plan_jobs((*TINY, *place.words, *words))


def test_lists_and_ranges_make_every_combination_in_order() -> None:
    combinations = combine_values(("model=cnn,rnn", "seed=range(0,3)", "vote=mean"), None)
    assert len(combinations) == 6
    assert combinations[0] == ("model=cnn", "seed=0", "vote=mean")
    assert combinations[-1] == ("model=rnn", "seed=2", "vote=mean")


def test_a_glob_means_the_choices_that_match() -> None:
    combinations = combine_values(("experiment=glob(khamees*)",), None)
    assert ("experiment=khamees2021_lstm",) in combinations
    assert all(word.startswith("experiment=khamees2021_") for (word,) in combinations)


def test_a_glob_knows_the_choices_in_the_folder_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine_too.yaml").write_text("# @package _global_\nseed: 4\n")
    folder = str(tmp_path)
    assert combine_values(("experiment=glob(mine*)",), folder) == [("experiment=mine_too",)]
    assert Planner(folder).experiment(("experiment=mine_too",)).run.seed == 4


def test_quoted_texts_and_lists_are_one_value() -> None:
    words = ("dataset.root='/a,b c'", "model.pools=[1,2],[3,4]", "~augment")
    assert combine_values(words, None) == [
        ("dataset.root='/a,b c'", "model.pools=[1,2]", "~augment"),
        ("dataset.root='/a,b c'", "model.pools=[3,4]", "~augment"),
    ]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("experiment=glob(nobody*)", "experiment=glob(nobody*): matches no choice of experiment"),
        ("seed=interval(0,1)", "seed=interval(0,1): expected values that can be listed"),
    ],
)
def test_a_word_without_values_is_one_line(word: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        combine_values((word,), None)
    assert str(caught.value).startswith(expected)


def test_trainings_that_are_the_same_run_are_planned_once_and_that_is_said(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = plan(place, "seed=0,1,0", "memory_gb=4,8")
    assert len(jobs) == 2
    assert "6 combinations, 4 of them the same training as another one" in capsys.readouterr().err
    assert len({job.run.name for job in jobs}) == 2


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("model=mlp and seed>0", [("mlp", 1)]),
        ("not (model=mlp or seed=0)", [("logistic", 1)]),
        ("split=track and trainer.epochs<3 and seed<1", [("mlp", 0), ("logistic", 0)]),
    ],
)
def test_a_filter_leaves_the_combinations_that_meet_it(
    condition: str,
    expected: list[tuple[str, int]],
    place: Place,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = (*TINY, *place.words, "model=mlp,logistic", "seed=0,1")
    jobs = plan_jobs(words, None, condition)
    chosen = [job.experiment for job in jobs]
    assert [(each.model.title, each.run.seed) for each in chosen] == expected
    assert f"{len(expected)} of 4 combinations meet the filter" in capsys.readouterr().err


def test_a_filter_composes_each_combination_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed: list[Sequence[str]] = []

    def counted(root: str, words: Sequence[str], config_dir: str | None = None) -> dict[str, Any]:
        composed.append(words)
        return compose(root, words, config_dir)

    monkeypatch.setattr("genrecls.sweeps.plan.compose", counted)
    words = (*TINY, *place.words, "model=mlp,logistic", "seed=0,1")
    assert len(plan_jobs(words, None, "seed=1")) == 2
    assert len(composed) == 4


def test_a_filter_leaves_impossible_combinations_out(place: Place) -> None:
    words = (*TINY, *place.words, "model=mlp,cnn")
    with pytest.raises(ConfigError, match="trainings are impossible"):
        plan_jobs(words)
    assert len(plan_jobs(words, None, "model!=cnn")) == 1


@pytest.mark.parametrize("condition", ["model=mlp", "split=track and model!=logistic"])
def test_a_filter_leaves_out_what_has_a_word_that_fits_no_configuration(
    condition: str, place: Place
) -> None:
    words = (*TINY, *place.words, "model=mlp,logistic", "split=track", "model.head.units=[4]")
    (job,) = plan_jobs(words, None, condition)
    assert job.experiment.model.title == "mlp"


@pytest.mark.parametrize("condition", ["model!=mlp", "vote=mean", "model=mlp or seed=0"])
def test_a_word_that_fits_no_configuration_is_told_where_the_filter_may_mean_it(
    condition: str, place: Place
) -> None:
    words = (*TINY, *place.words, "model=mlp,logistic", "model.head.units=[4]")
    with pytest.raises(ConfigError, match=r"model\.head: unknown key"):
        plan_jobs(words, None, condition)


def test_a_choice_without_a_name_of_its_own_is_known_by_its_file(place: Place) -> None:
    words = (*TINY, *place.words, "trainer=default,cosine")
    (job,) = plan_jobs(words, None, "trainer=cosine")
    assert job.experiment.trainer.schedule.name == "cosine"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("modle=mlp", "filter: unknown key 'modle'; did you mean 'model"),
        ("test.accuracy>0.5", "filter: unknown key 'test.accuracy'"),
        ("seed>5", "filter: none of 2 combinations meets seed>5"),
        ("seed+1>5", "filter: 'seed+1>5' is no condition"),
    ],
)
def test_a_filter_that_means_nothing_is_one_line(
    condition: str, expected: str, place: Place
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_jobs((*TINY, *place.words, "seed=0,1"), None, condition)
    assert str(caught.value).startswith(expected)


def test_a_training_is_called_by_what_the_others_do_not_have(place: Place) -> None:
    titles = [job.title for job in plan(place, "seed=0,1", "vote=majority")]
    assert titles == ["seed=0", "seed=1"]


def test_a_training_is_given_the_plugins_of_the_sweep(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "mine.py"
    plugin.touch()
    monkeypatch.setenv("GENRECLS_PLUGINS", str(plugin))
    (job,) = plan(place, "seed=0")
    assert job.words[:2] == ("--plugin", str(plugin))


def test_every_impossible_training_has_a_line_and_none_starts(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(place, "model.head.units=[8],[-1],x")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("genrecls: error: [model.head.units=[-1]] model.head.units")
    assert lines[1].startswith("genrecls: error: [model.head.units=x] model.head.units")
    assert len(lines) == 2
    assert str(caught.value).startswith("2 of 3 trainings are impossible")
    assert not place.output_root.exists()


def test_what_is_wrong_with_all_trainings_is_said_once(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"model\.head\.unit: unknown key"):
        plan(place, "+model.head.unit=3", "seed=0,1")


def test_absent_data_are_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        plan_jobs((f"data_root={tmp_path}", "dataset=gtzan", "seed=0,1"))


def test_a_sweep_has_the_same_name_in_whatever_order_it_is_written(place: Place) -> None:
    assert sweep_name(plan(place, "seed=0,1")) == sweep_name(plan(place, "seed=1,0"))
    assert sweep_name(plan(place, "seed=0,1")) != sweep_name(plan(place, "seed=0,2"))


def test_the_plan_counts_what_is_done_interrupted_and_failed(place: Place) -> None:
    jobs = plan(place, "seed=range(0,5)")
    _left(jobs[0].run, "finished")
    _left(jobs[1].run, "interrupted")
    _left(jobs[2].run, "running")
    _left(jobs[3].run, "failed")
    assert announcement(jobs, Estimates([place.output_root]), 2).startswith(
        "5 runs: 1 new, 1 already finished, 2 interrupted before, will continue, 1 failed before, "
        "will be tried again; 2 at once; "
    )


def _left(run: Run, status: str) -> None:
    run.mark(status)  # type: ignore[arg-type]
    if status == "finished":
        run.metrics_file.write_text("{}")
        run.model_file.write_text("")


def test_a_training_over_several_hosts_is_no_part_of_a_sweep() -> None:
    with pytest.raises(ConfigError, match=r"multiworker.*allowed: single, mirrored"):
        plan_jobs(["debug=smoke", "trainer.strategy=multiworker"])
