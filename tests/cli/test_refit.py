from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import RunCommand
from tests.runs.finished_runs import finished_run


def test_without_runs_it_says_where_they_are_listed(run_command: RunCommand) -> None:
    outcome = run_command("refit")
    assert outcome.status == 1
    assert outcome.error == "refit: expected runs; 'genrecls runs' lists them"


def test_the_last_line_is_the_command_that_uses_the_model(
    tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run(tmp_path, "d-f-cnn-1")
    file = tmp_path / "d-f-cnn-refit-2" / "model.keras"
    result = SimpleNamespace(file=file, runs=(run,), card=SimpleNamespace())
    monkeypatch.setattr("genrecls.experiment.refit.refit", lambda *_, **__: result)
    monkeypatch.setattr("genrecls.runtime.description.ModelDescription.of", lambda _: "model toy")
    outcome = run_command("refit", run.name, f"output_root={tmp_path}")
    assert outcome.status == 0, outcome.err
    assert "".join(outcome.err.splitlines()[-1:]) == f"to use it: genrecls predict {file} song.mp3"


def test_the_folder_of_a_refit_is_named_as_a_run_is_and_by_nothing_else(
    tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished_run(tmp_path, "d-f-cnn-1")
    file = tmp_path / "d-f-cnn-refit-2" / "model.keras"
    file.parent.mkdir()
    file.touch()
    taken: list[Path] = []

    def load(path: Path) -> None:
        taken.append(path)
        raise KeyboardInterrupt

    monkeypatch.setattr("genrecls.inference.files.load_classifier", load)
    root = f"output_root={tmp_path}"
    for word in (file.parent.name, str(file.parent)):
        run_command("predict", word, "song.wav", root)
        run_command("predict", "--model", word, "song.wav", root)
    assert taken == [file] * 4
    outcome = run_command("evaluate", file.parent.name, root)
    assert outcome.error.endswith(f"no track is left to test it; predict takes it: {file}")
    outcome = run_command("predict", "d-f-cnn-refit-3", "song.wav", root)
    assert "names no runs; expected" in outcome.error
