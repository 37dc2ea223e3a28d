from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from genrecls.features.extract import fingerprint as fingerprint_of
from genrecls.files.atomic import write_text
from genrecls.files.hashing import FileDigests
from genrecls.files.tables import write_json
from genrecls.runs.run import Run
from tests.conftest import ComposeExperiment, RunCommand
from tests.runs.finished_runs import Made, metrics_of


def finished_run(folder: Path, compose_experiment: ComposeExperiment, fingerprint: str) -> Run:
    """Return a run on data with this fingerprint, as it says; it has no model."""
    run = Run(folder / "outputs" / "synth-mfcc-cnn-1")
    run.mark("finished", command="genrecls train")
    write_text(run.config_file, yaml.safe_dump(compose_experiment().resolved()))
    write_json(run.metrics_file, metrics_of(Made(fingerprint=fingerprint)).to_json())
    return run


def evaluated(folder: Path, run: Run, run_command: RunCommand) -> str:
    outcome = run_command("evaluate", str(run.folder), f"data_root={folder}")
    assert outcome.status == 1
    lines = [line for line in outcome.err.splitlines() if line.startswith("genrecls: error: ")]
    assert len(lines) == 1
    return lines[0]


def test_other_data_than_those_of_the_training_are_refused(
    tmp_path: Path, compose_experiment: ComposeExperiment, run_command: RunCommand
) -> None:
    run = finished_run(tmp_path, compose_experiment, fingerprint="of other data")
    assert "the data are not those that it was trained on" in evaluated(tmp_path, run, run_command)


def test_the_home_folder_is_meant_in_a_configuration_of_ones_own_too(
    tmp_path: Path,
    compose_experiment: ComposeExperiment,
    run_command: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    finished_run(tmp_path / "home", compose_experiment, fingerprint="of other data")
    own = "defaults: [evaluate, _self_]\noutput_root: ~/outputs\n"
    write_text(tmp_path / "mine.yaml", own)
    words = ("cnn-1", f"data_root={tmp_path}", "-cd", str(tmp_path), "-cn", "mine")
    assert "run synth-mfcc-cnn-1: the data are not" in run_command("evaluate", *words).err


def test_a_run_that_chose_a_folder_for_generated_data_is_read_as_before(
    tmp_path: Path, compose_experiment: ComposeExperiment, run_command: RunCommand
) -> None:
    own = fingerprint_of(compose_experiment().dataset.load(tmp_path), FileDigests(None))
    run = finished_run(tmp_path, compose_experiment, fingerprint=own)
    values = compose_experiment().resolved()
    values["dataset"]["root"] = str(tmp_path / "elsewhere")
    write_text(run.config_file, yaml.safe_dump(values))
    assert "no such model file" in evaluated(tmp_path, run, run_command)
    assert not (tmp_path / "elsewhere").exists()


def test_a_run_that_has_lost_its_model_says_so_before_anything_is_extracted(
    tmp_path: Path, compose_experiment: ComposeExperiment, run_command: RunCommand
) -> None:
    own = fingerprint_of(compose_experiment().dataset.load(tmp_path), FileDigests(None))
    run = finished_run(tmp_path, compose_experiment, fingerprint=own)
    assert "no such model file" in evaluated(tmp_path, run, run_command)
    assert not list(tmp_path.rglob("*.npz"))


def test_a_run_of_another_version_is_named_as_such(
    tmp_path: Path, compose_experiment: ComposeExperiment, run_command: RunCommand
) -> None:
    run = finished_run(tmp_path, compose_experiment, fingerprint="any")
    values = compose_experiment().resolved()
    del values["trainer"]["strategy"]
    write_text(run.config_file, yaml.safe_dump(values))
    error = evaluated(tmp_path, run, run_command)
    assert "this version of genrecls cannot read its configuration (trainer.strategy: mis" in error
    assert "environment.json" in error
