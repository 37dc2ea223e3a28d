from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from genrecls.environment import environment
from genrecls.experiment.train import write_settings
from genrecls.files.tables import write_json
from genrecls.runs.run import Run
from tests.conftest import ComposeExperiment, RunCommand


def settings_written(run: Run, compose_experiment: ComposeExperiment, **versions: str) -> None:
    run.checkpoint_folder.mkdir(parents=True)
    write_json(run.environment_file, {**environment(), **versions})
    write_settings(run, compose_experiment())


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


def test_files_that_changed_since_they_were_verified_are_not_trained_on(
    tmp_path: Path, run_command: RunCommand
) -> None:
    rng = np.random.default_rng(0)
    files = [tmp_path / "music" / genre / f"{n}.wav" for genre in ("a", "b") for n in range(3)]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, 0.1 * rng.standard_normal(22050 * 4), 22050)
    words = ("dataset=folder", f"dataset.root={tmp_path / 'music'}")
    roots = (f"data_root={tmp_path / 'data'}", f"output_root={tmp_path / 'outputs'}")
    assert run_command("data", "verify", *words).status == 0
    soundfile.write(files[4], 0.2 * rng.standard_normal(22050 * 4), 22050)
    files[5].unlink()
    outcome = run_command("train", "debug=smoke", *words, *roots)
    assert outcome.status == 1
    assert str(files[4]) in outcome.error
    assert "recorded files that changed or are gone: 2" in outcome.error
    assert "data verify --accept" in outcome.error
    assert not (tmp_path / "outputs").exists()
