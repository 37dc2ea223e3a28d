from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from genrecls.experiment import ensemble
from genrecls.runs.run import Run
from tests.conftest import RunCommand
from tests.runs.finished_runs import Made, finished_run


def test_without_runs_it_says_where_they_are_listed(run_command: RunCommand) -> None:
    outcome = run_command("ensemble")
    assert outcome.status == 1
    assert outcome.error == "ensemble: expected runs; 'genrecls runs' lists them"


def test_a_pattern_means_finished_runs_and_the_scores_of_their_mean_are_shown(
    tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("made-mfcc-cnn-1a", "made-mfcc-rnn-2b"):
        finished_run(tmp_path, name, Made())
    Run(tmp_path / "made-mfcc-crnn-3c").mark("interrupted")
    averaged: list[str] = []

    def stand_in(runs: Sequence[Run], command: str) -> Run:
        averaged.extend(run.name for run in runs)
        assert command == f"genrecls ensemble 'made-*' output_root={tmp_path}"
        return finished_run(tmp_path, "made-with-both-4d", Made())

    monkeypatch.setattr(ensemble, "ensemble", stand_in)
    outcome = run_command("ensemble", "made-*", f"output_root={tmp_path}")
    assert outcome.status == 0, outcome.err
    assert sorted(averaged) == ["made-mfcc-cnn-1a", "made-mfcc-rnn-2b"]
    assert "made-with-both-4d" in outcome.out
    assert (tmp_path / "latest").resolve().name == "made-with-both-4d"
