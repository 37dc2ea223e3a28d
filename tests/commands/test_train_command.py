from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.atomic import write_json
from genrecls.commands.train import _write_settings
from genrecls.environment import environment
from genrecls.runs import Run
from tests.conftest import ComposeExperiment


def settings_written(run: Run, compose_experiment: ComposeExperiment, **versions: str) -> None:
    run.checkpoints.mkdir(parents=True)
    write_json(run.environment, {**environment(), **versions})
    _write_settings(run, compose_experiment())


def test_a_run_that_goes_on_under_other_versions_warns_of_them(
    tmp_path: Path, compose_experiment: ComposeExperiment, capsys: pytest.CaptureFixture[str]
) -> None:
    settings_written(Run(tmp_path / "run"), compose_experiment, keras="1.0")
    warning = capsys.readouterr().err
    assert "perhaps not bit for bit: keras 1.0 is now" in warning
    assert "numpy" not in warning


def test_a_run_that_goes_on_under_the_same_versions_warns_of_nothing(
    tmp_path: Path, compose_experiment: ComposeExperiment, capsys: pytest.CaptureFixture[str]
) -> None:
    settings_written(Run(tmp_path / "run"), compose_experiment)
    assert capsys.readouterr().err == ""
