"""`genrecls compare` ranks the runs that the words name and says clearly what it cannot."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genrecls.reports import comparison
from genrecls.runs.record import RunRecord
from tests.conftest import Outcome, RunCommand
from tests.runs.finished_runs import Made, finished_run

FILES = {f"comparison.{kind}" for kind in ("html", "md", "csv", "tex")}
FIGURES = {f"{figure}.png" for figure in ("scores", "parameters", "learning_curves", "genres")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Holds two finished runs and an interrupted one."""
    best = Made(validation=(1, 1))
    finished_run(tmp_path, "made-mfcc-cnn-1a", best)
    finished_run(tmp_path, "made-mfcc-rnn-2b", replace(best, model="rnn", validation=(0, 1)))
    finished_run(tmp_path, "made-mfcc-cnn-3c", replace(best, seed=1)).mark("interrupted")
    return tmp_path


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the figures out, which take most of the time of a comparison."""
    monkeypatch.setattr(comparison, "draw", lambda _boards, _part: {})


def names(root: Path) -> list[str]:
    with (root / "comparison" / "comparison.csv").open(newline="") as file:
        return [row["runs"] for row in csv.DictReader(file)]


def compare(root: Path, run_command: RunCommand, *words: str) -> Outcome:
    return run_command("compare", *words, f"output_root={root}")


def test_without_words_all_finished_runs_are_compared(root: Path, run_command: RunCommand) -> None:
    outcome = compare(root, run_command)
    assert outcome.status == 0, outcome.err
    assert {path.name for path in (root / "comparison").iterdir()} == FILES | FIGURES
    assert names(root) == ["made-mfcc-cnn-1a", "made-mfcc-rnn-2b"]
    assert "McNemar" in outcome.out
    assert f"written to {root / 'comparison'}" in outcome.err


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The last letters of the runs of each comparison, none of which is written or drawn."""
    comparisons: list[set[str]] = []

    def write(runs: Sequence[RunRecord], *_: Any, **__: Any) -> None:
        comparisons.append({run.name[-1] for run in runs})

    monkeypatch.setattr("genrecls.cli.compare.write_comparison", write)
    return comparisons


def test_trials_of_a_search_are_compared_when_they_are_asked_for(
    root: Path, run_command: RunCommand, compared: list[set[str]]
) -> None:
    finished_run(root, "made-mfcc-mlp-4d", Made(model="mlp")).mark("finished", sweep="search-mlp-1")
    outcome = compare(root, run_command)
    assert compared.pop() == {"a", "b"}
    told = "left out: 1 trial of search-mlp-1 (1 finished); --trials compares them, too"
    assert told in outcome.err
    for words in (["--trials"], ["*"], ["1a", "2b", "4d"]):
        assert told not in compare(root, run_command, *words).err
        assert compared.pop() == {"a", "b", "d"}


def test_where_only_trials_are_finished_it_is_said(tmp_path: Path, run_command: RunCommand) -> None:
    finished_run(tmp_path, "made-mfcc-mlp-4d").mark("finished", sweep="search-mlp-1")
    outcome = compare(tmp_path, run_command)
    assert outcome.status == 1
    assert "no run is chosen; left out: 1 trial of search-mlp-1" in outcome.err


def test_a_condition_chooses_among_the_runs(
    root: Path, run_command: RunCommand, compared: list[set[str]]
) -> None:
    assert compare(root, run_command, "--filter", "model=rnn").status == 0
    assert compare(root, run_command, "*", "--filter", "model=cnn").status == 0
    assert compared == [{"b"}, {"a"}]
    outcome = compare(root, run_command, "--filter", "model=mlp")
    assert "no finished run meets the condition" in outcome.err
    outcome = compare(root, run_command, "--filter", "model=")
    assert "filter: 'model=' is no condition" in outcome.err


@pytest.mark.usefixtures("undrawn")
def test_without_words_it_is_said_how_many_runs_are_not_finished(
    root: Path, run_command: RunCommand
) -> None:
    finished_run(root, "made-mfcc-cnn-4d").mark("failed")
    finished_run(root, "made-mfcc-cnn-5e").mark("failed")
    finished_run(root, "made-mfcc-cnn-6f").model_file.unlink()
    told = compare(root, run_command).err
    assert "left out because they are not finished: " in told
    assert {"1 interrupted", "2 failed", "1 incomplete"} <= set(re.findall(r"\d [a-z]+", told))


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("words", [["1a", "2b"], ["*"], ["1a", "made-*", "rnn-2b"]])
def test_runs_are_named_by_ends_and_patterns_and_each_counts_once(
    words: list[str], root: Path, run_command: RunCommand
) -> None:
    assert compare(root, run_command, *words).status == 0
    assert names(root) == ["made-mfcc-cnn-1a", "made-mfcc-rnn-2b"]


@pytest.mark.usefixtures("undrawn")
def test_a_pattern_may_stand_for_paths_in_other_folders(
    root: Path, run_command: RunCommand, tmp_path: Path
) -> None:
    outcome = run_command(
        "compare", f"{root}/*-2b", f"{root}/*1a", "output_root=nowhere", "--output", f"{root}/new"
    )
    assert outcome.status == 0, outcome.err
    assert {path.name for path in (root / "new").iterdir()} == FILES


@pytest.mark.usefixtures("undrawn")
def test_a_folder_whose_name_looks_like_a_pattern_is_a_folder(
    root: Path, run_command: RunCommand
) -> None:
    finished_run(root, "made-[1]")
    assert compare(root, run_command, "made-[1]").status == 0
    assert names(root) == ["made-[1]"]


@pytest.mark.usefixtures("undrawn")
def test_a_pattern_leaves_out_unfinished_runs_and_says_so(
    root: Path, run_command: RunCommand
) -> None:
    outcome = compare(root, run_command, "made*")
    assert "left out because they are not finished: made-mfcc-cnn-3c" in outcome.err


@pytest.mark.usefixtures("undrawn")
def test_an_older_run_of_the_same_configuration_is_left_out(
    root: Path, run_command: RunCommand
) -> None:
    finished_run(root, "made-mfcc-rnn-2b~1", Made(model="rnn", validation=(0, 1)))
    outcome = compare(root, run_command)
    assert "a newer run has the same configuration, seed and fold: made-mfcc-rnn-2b" in outcome.err
    assert len(names(root)) == 2


@pytest.mark.usefixtures("undrawn")
def test_one_run_has_a_table_without_tests(root: Path, run_command: RunCommand) -> None:
    outcome = compare(root, run_command, "1a")
    assert outcome.status == 0
    assert "best" in outcome.out


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("9z", "'9z' names no runs"),
        ("x*", "'x*' matches no run; expected a pattern"),
        ("3c", "run made-mfcc-cnn-3c is not finished (interrupted)"),
        ("*3c", "'*3c' matches no finished run, but 1 not finished"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    word: str, message: str, root: Path, run_command: RunCommand
) -> None:
    outcome = compare(root, run_command, "1a", word)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.error.startswith(message)


def test_a_damaged_file_is_one_line(root: Path, run_command: RunCommand) -> None:
    (root / "made-mfcc-cnn-1a" / "predictions_tracks.csv").write_text("half a")
    assert "predictions_tracks.csv is damaged" in compare(root, run_command, "1a").error


def test_nothing_there_says_how_to_begin(tmp_path: Path, run_command: RunCommand) -> None:
    assert "make one with 'genrecls train'" in compare(tmp_path, run_command).error


@pytest.mark.usefixtures("undrawn")
def test_choosing_by_test_is_possible_and_called_what_it_is(
    root: Path, run_command: RunCommand
) -> None:
    assert "CAUTION: ranked by test accuracy" in " ".join(
        compare(root, run_command, "--rank-by", "test").out.split()
    )
