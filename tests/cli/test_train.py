from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genrecls.environment import environment, processor
from genrecls.experiment.train import write_settings
from genrecls.files.tables import write_json
from genrecls.models import tensorflow_setup
from genrecls.runs.run import Run
from tests.conftest import ComposeExperiment, RunCommand


def settings_written(run: Run, compose_experiment: ComposeExperiment, **versions: str) -> None:
    run.checkpoint_folder.mkdir(parents=True)
    before = {**environment(), **tensorflow_setup.numerics(), **versions}
    write_json(run.environment_file, before)
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


@pytest.mark.parametrize(
    ("before", "warning"),
    [
        ({"threads": "61"}, "perhaps not bit for bit: threads 61 is now"),
        ({"cpu": "Abacus"}, "perhaps not bit for bit: cpu Abacus is now"),
        ({"cores": "61"}, ""),
    ],
)
def test_a_run_that_goes_on_warns_of_other_threads_and_processors_but_not_of_cores_alone(
    before: dict[str, str],
    warning: str,
    tmp_path: Path,
    compose_experiment: ComposeExperiment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings_written(Run(tmp_path / "run"), compose_experiment, **before)
    said = capsys.readouterr().err
    assert warning in said
    assert bool(warning) == bool(said)


def test_a_run_of_an_earlier_version_that_goes_on_warns_of_other_cores_alone(
    tmp_path: Path, compose_experiment: ComposeExperiment, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path / "run")
    run.checkpoint_folder.mkdir(parents=True)
    write_json(run.environment_file, {**environment(), "cores": "61"})
    write_settings(run, compose_experiment())
    assert "perhaps not bit for bit: cores 61 is now" in capsys.readouterr().err
    (before := run.read_environment()).pop("cpu")
    del before["threads"]
    write_json(run.environment_file, before)
    write_settings(run, compose_experiment())
    assert capsys.readouterr().err == ""


def test_a_run_says_which_threads_and_which_processor_made_it(
    tmp_path: Path, compose_experiment: ComposeExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "5")
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    write_settings(run, compose_experiment())
    made = run.read_environment()
    assert made["threads"] == "5"
    assert made["cpu"] == processor()


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
    outcome = run_command("train", *words, *roots)
    assert outcome.status == 1
    assert str(files[4]) in outcome.error
    assert "recorded files that changed or are gone: 2" in outcome.error
    assert "data verify --accept" in outcome.error
    assert not (tmp_path / "outputs").exists()


def test_a_smoke_test_of_data_that_are_not_tiny_warns(
    tmp_path: Path, run_command: RunCommand
) -> None:
    warning = "warning: debug=smoke: dataset=folder beside it is used whole; without it the data"
    words = ("train", "dataset=folder", f"dataset.root={tmp_path / 'absent'}")
    assert warning in " ".join(run_command(*words, "debug=smoke").err.split())
    assert "debug=smoke" not in run_command(*words).err
    swept = run_command("sweep", *words[1:], "debug=smoke", "seed=0,1").err
    assert " ".join(swept.split()).count(warning) == 1


@pytest.mark.tensorflow
def test_a_model_is_shown_for_an_assumed_number_of_genres_where_the_data_are_not_here(
    run_command: RunCommand,
) -> None:
    shown = run_command("train", "show=true", "dataset=gtzan").out
    assert "10 genres (assumed, for the data are not here), one segment" in shown
    assert "10 genres, one segment" in run_command("train", "show=true").out


@pytest.mark.parametrize("words", [(), ("show=true",)], ids=["train", "show"])
def test_a_teacher_that_is_not_there_is_missed_before_any_data_are_made(
    words: tuple[str, ...], tmp_path: Path, run_command: RunCommand
) -> None:
    outcome = run_command("train", "teacher=msd_musicn", *words)
    assert "'msd_musicn' names no runs" in outcome.error
    assert outcome.error.endswith(
        "; or one of msd_musicnn, mtt_musicnn, msd_vgg, mtt_vgg; did you mean 'msd_musicnn'?"
    )
    assert not (tmp_path / "data").exists()
