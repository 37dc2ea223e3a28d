"""What a search remembers, however it ends."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import RunError
from genrecls.reports.search import ENOUGH_TRIALS
from genrecls.sweeps.search.storage import STUDY, Study, open_study
from tests.forked import Forked
from tests.runs import damage
from tests.sweeps.search.searching import search, value
from tests.sweeps.search.spaces import settings, space

Open = Callable[..., Study]


@pytest.fixture
def open_in() -> Iterator[Open]:
    """Opens the study in a folder; closed after the test."""
    with ExitStack() as stack:

        def open_in(folder: Path, **changes: Any) -> Study:
            opened = open_study(folder, settings(**changes), space(), epochs=10)
            return stack.enter_context(opened)

        yield open_in


def whole(study: Study, count: int = 8) -> list[dict[str, str]]:
    for _ in range(count):
        trial = study.ask()
        study.finish(trial, [value(trial)])
    return [dict(trial.settings) for trial in study.trials]


def test_a_search_that_is_opened_anew_for_every_trial_chooses_the_same(
    tmp_path: Path, open_in: Open
) -> None:
    undisturbed = whole(open_in(tmp_path / "a"))
    for _ in range(8):
        trial = open_in(tmp_path / "b").ask()
        study = open_in(tmp_path / "b")
        study.finish(study.trials[trial.number], [value(trial)])
    assert [dict(trial.settings) for trial in open_in(tmp_path / "b").trials] == undisturbed
    assert len({str(chosen) for chosen in undisturbed}) > 5


def test_a_search_chooses_what_it_chose_with_the_journal_of_earlier_versions(
    tmp_path: Path, open_in: Open
) -> None:
    # Of version 79a4a76, with Optuna 5.0.0.
    assert [tuple(chosen.values()) for chosen in whole(open_in(tmp_path))] == [
        ("0.009592", "[32,16]", "0.2"),
        ("0.004663", "[16]", "0.1"),
        ("0.007831", "[32,16]", "0.2"),
        ("0.0002957", "[32,16]", "0.3"),
        ("0.0002309", "[32,16]", "0.2"),
        ("0.00138", "[32,16]", "0.5"),
        ("0.0005429", "[32,16]", "0.5"),
        ("0.0009937", "[32,16]", "0.1"),
    ]


def test_a_search_lies_in_the_folder_of_whatever_name(tmp_path: Path, open_in: Open) -> None:
    folder = tmp_path / "a?b%41{x} c"
    whole(open_in(folder), 1)
    assert (folder / STUDY).is_file()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_another_seed_chooses_otherwise(tmp_path: Path, open_in: Open) -> None:
    first, other = open_in(tmp_path / "a").ask(), open_in(tmp_path / "b", seed=1).ask()
    assert first.settings != other.settings


def test_a_trial_that_was_running_keeps_its_settings_and_epochs(
    tmp_path: Path, open_in: Open
) -> None:
    study = open_in(tmp_path)
    trial = study.ask()
    study.set_run(trial, "a-run")
    assert not study.report(trial, 1, 0.5)
    (left,) = open_in(tmp_path).trials
    assert (left.state, left.run, left.epochs) == ("running", "a-run", {1: 0.5})
    assert left.settings == trial.settings


def test_an_epoch_that_is_told_twice_is_noted_once(tmp_path: Path, open_in: Open) -> None:
    study = open_in(tmp_path)
    trial = study.ask()
    study.report(trial, 1, 0.5)
    study.report(trial, 1, 0.1)
    assert study.trials[0].epochs == {1: 0.5}


@pytest.mark.process
def test_a_search_killed_while_it_writes_has_whole_trials_and_chooses_the_same(
    tmp_path: Path, open_in: Open
) -> None:
    generator = np.random.default_rng(6)
    for round_ in range(4):
        searching = Forked(search, tmp_path, folder=tmp_path)
        while "open" not in searching.messages and searching.returncode is None:
            time.sleep(0.01)
        if round_ < 3:
            time.sleep(generator.uniform(0, 0.3))
            searching.send_signal(signal.SIGKILL)
        searching.end()
        trials = open_in(tmp_path).trials
        assert all(len(trial.settings) == len(space()) for trial in trials)
        assert sum(trial.state == "running" for trial in trials) <= 1
    assert [trial.state for trial in trials] == ["finished"] * 30
    assert all(trial.values == (value(trial),) and len(trial.epochs) == 3 for trial in trials)
    undisturbed = whole(open_in(tmp_path / "undisturbed"), 20)
    assert [dict(trial.settings) for trial in trials[:20]] == undisturbed


@pytest.mark.parametrize("content", [b"rubbish", b"SQLite format 3\0 and rubbish" * 100])
def test_a_file_that_is_damaged_is_one_line(content: bytes, tmp_path: Path, open_in: Open) -> None:
    (tmp_path / "study.sqlite").write_bytes(content)
    with pytest.raises(RunError, match=r"is damaged .* move it away to begin again") as caught:
        open_in(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [damage.folder, damage.pipe, damage.half])
def test_a_file_that_is_none_or_cut_is_one_line(
    change: damage.Damage, tmp_path: Path, open_in: Open
) -> None:
    with open_study(tmp_path, settings(), space(), epochs=10) as study:
        whole(study, 2)
    change(tmp_path / "study.sqlite")
    with pytest.raises(RunError, match=r"is damaged .* move it away to begin again") as caught:
        open_in(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_damaged_inside_is_one_line(tmp_path: Path, open_in: Open) -> None:
    with open_study(tmp_path, settings(), space(), epochs=10) as study:
        whole(study, 2)
    path = tmp_path / "study.sqlite"
    whole_file = path.read_bytes()
    path.write_bytes(whole_file[:4096] + b"rubbish" * 2000 + whole_file[4096 + 14000 :])
    with pytest.raises(RunError, match=r"is damaged .* move it away to begin again"):
        assert not open_in(tmp_path).trials


def test_a_journal_of_an_earlier_version_is_left_alone_and_that_is_said_once(
    tmp_path: Path, open_in: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.journal").write_text('{"op_code": 0}\n')
    assert open_in(tmp_path).trials == []
    assert "study.journal was written by an earlier version and is not read: the search begins" in (
        capsys.readouterr().err
    )
    open_in(tmp_path)
    assert capsys.readouterr().err == ""
    assert (tmp_path / "study.journal").read_text() == '{"op_code": 0}\n'


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_a_trial_far_behind_the_others_is_to_be_stopped(
    tmp_path: Path, open_in: Open, pruner: str
) -> None:
    study = open_in(tmp_path, pruner=pruner)
    for _ in range(4):
        trial = study.ask()
        for epoch in range(1, 11):
            assert not study.report(trial, epoch, 0.5 + epoch / 100)
        study.finish(trial, [0.6])
    last = study.ask()
    told = [study.report(last, epoch, 0.1) for epoch in range(1, 11)]
    assert any(told)
    study.prune(last, "stopped early")
    assert study.trials[-1].state == "pruned"
    assert study.trials[-1].reason == "stopped early"
    assert study.trials[-1].values == ()


def test_a_trial_whose_loss_is_far_above_the_others_is_to_be_stopped(
    tmp_path: Path, open_in: Open
) -> None:
    study = open_in(tmp_path, objective=["loss"])
    for level in (0.5, 0.6):
        trial = study.ask()
        assert not study.report(trial, 2, level)
        study.finish(trial, [level])
    assert study.report(study.ask(), 2, 3.0)


def test_without_a_pruner_or_with_two_objectives_nothing_is_stopped(
    tmp_path: Path, open_in: Open
) -> None:
    for folder, changes, values in (
        ("a", {"pruner": "none"}, [0.9]),
        ("b", {"objective": ["accuracy", "parameters"]}, [0.9, 100]),
    ):
        study = open_in(tmp_path / folder, **changes)
        for _ in range(3):
            trial = study.ask()
            study.report(trial, 5, 0.9)
            study.finish(trial, values)
        assert not study.report(study.ask(), 5, 0.0)


def test_importances_name_what_the_score_depends_on(tmp_path: Path, open_in: Open) -> None:
    study = open_in(tmp_path, sampler="random", trials=30)
    for number in range(30):
        assert (study.importances() == {}) == (number < ENOUGH_TRIALS)
        trial = study.ask()
        study.finish(trial, [float(trial.settings["model.head.dropout"])])
    shares = study.importances()
    assert max(shares, key=lambda key: shares[key]) == "model.head.dropout"
    assert sum(shares.values()) == pytest.approx(1)


def test_a_failed_trial_keeps_its_reason(tmp_path: Path, open_in: Open) -> None:
    study = open_in(tmp_path)
    study.fail(study.ask(), "took too much")
    assert [(t.state, t.reason) for t in study.trials] == [("failed", "took too much")]
