"""What a search remembers, whatever ends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genrecls.errors import RunError
from genrecls.sweeps.search.study import Study
from genrecls.sweeps.search.trial import ENOUGH, Trial
from tests.sweeps.search.spaces import settings, space


def opened(folder: Path, **changes: Any) -> Study:
    return Study(folder / "study.journal", settings(**changes), space(), epochs=10)


def value(trial: Trial) -> float:
    """Stands for a training: something that depends on the settings alone."""
    rate = float(trial.settings["trainer.optimizer.learning_rate"])
    return rate * 10 + float(trial.settings["model.head.dropout"])


def whole(folder: Path, count: int = 8) -> list[dict[str, str]]:
    study = opened(folder)
    for _ in range(count):
        trial = study.ask()
        study.finish(trial, [value(trial)])
    return [dict(trial.settings) for trial in study.trials]


def test_a_search_that_is_opened_anew_for_every_trial_chooses_the_same(tmp_path: Path) -> None:
    undisturbed = whole(tmp_path / "a")
    for _ in range(8):
        trial = opened(tmp_path / "b").ask()
        study = opened(tmp_path / "b")
        study.finish(study.trials[trial.number], [value(trial)])
    assert [dict(trial.settings) for trial in opened(tmp_path / "b").trials] == undisturbed
    assert len({str(chosen) for chosen in undisturbed}) > 5


def test_another_seed_chooses_otherwise(tmp_path: Path) -> None:
    first, other = opened(tmp_path / "a").ask(), opened(tmp_path / "b", seed=1).ask()
    assert first.settings != other.settings


def test_a_trial_that_was_running_keeps_its_settings_and_epochs(tmp_path: Path) -> None:
    study = opened(tmp_path)
    trial = study.ask()
    study.place(trial, "a-run")
    assert not study.report(trial, 1, 0.5)
    (left,) = opened(tmp_path).trials
    assert (left.state, left.run, left.epochs) == ("running", "a-run", {1: 0.5})
    assert left.settings == trial.settings


def test_an_epoch_that_is_told_twice_is_noted_once(tmp_path: Path) -> None:
    study = opened(tmp_path)
    trial = study.ask()
    study.report(trial, 1, 0.5)
    study.report(trial, 1, 0.1)
    assert study.trials[0].epochs == {1: 0.5}


def test_a_torn_line_is_cut_off_and_everything_else_kept(tmp_path: Path) -> None:
    before = whole(tmp_path, 3)
    journal = tmp_path / "study.journal"
    with journal.open("ab") as file:
        file.write(b'{"op_code":4,"worker')
    study = opened(tmp_path)
    assert [dict(trial.settings) for trial in study.trials] == before
    study.finish(study.ask(), [0.5])
    assert len(opened(tmp_path).trials) == 4


def test_a_journal_that_is_damaged_inside_is_one_line(tmp_path: Path) -> None:
    whole(tmp_path, 2)
    journal = tmp_path / "study.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], b"rubbish\n", *lines[1:]]))
    with pytest.raises(RunError, match=r"is damaged .* move it away to begin anew"):
        opened(tmp_path)


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_a_trial_far_behind_the_others_is_hopeless(tmp_path: Path, pruner: str) -> None:
    study = opened(tmp_path, pruner=pruner)
    for _ in range(6):
        trial = study.ask()
        for epoch in range(1, 11):
            assert not study.report(trial, epoch, 0.5 + epoch / 100)
        study.finish(trial, [0.6])
    last = study.ask()
    told = [study.report(last, epoch, 0.1) for epoch in range(1, 11)]
    assert any(told)
    study.prune(last, "hopeless")
    assert study.trials[-1].state == "pruned"
    assert study.trials[-1].reason == "hopeless"
    assert study.trials[-1].values == ()


def test_a_loss_far_above_the_others_is_hopeless(tmp_path: Path) -> None:
    study = opened(tmp_path, objective=["loss"])
    for level in (0.5, 0.6):
        trial = study.ask()
        assert not study.report(trial, 2, level)
        study.finish(trial, [level])
    assert study.report(study.ask(), 2, 3.0)


def test_without_a_pruner_or_with_two_objectives_nothing_is_hopeless(tmp_path: Path) -> None:
    for folder, changes, values in (
        ("a", {"pruner": "none"}, [0.9]),
        ("b", {"objective": ["accuracy", "parameters"]}, [0.9, 100]),
    ):
        study = opened(tmp_path / folder, **changes)
        for _ in range(3):
            trial = study.ask()
            study.report(trial, 5, 0.9)
            study.finish(trial, values)
        assert not study.report(study.ask(), 5, 0.0)


def test_importances_name_what_the_score_depends_on(tmp_path: Path) -> None:
    study = opened(tmp_path, sampler="random", trials=30)
    for number in range(30):
        assert (study.importances() == {}) == (number < ENOUGH)
        trial = study.ask()
        study.finish(trial, [float(trial.settings["model.head.dropout"])])
    found = study.importances()
    assert max(found, key=lambda key: found[key]) == "model.head.dropout"
    assert sum(found.values()) == pytest.approx(1)


def test_a_failed_trial_keeps_its_reason(tmp_path: Path) -> None:
    study = opened(tmp_path)
    study.fail(study.ask(), "took too much")
    assert [(t.state, t.reason) for t in study.trials] == [("failed", "took too much")]
