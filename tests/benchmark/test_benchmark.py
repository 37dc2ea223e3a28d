"""Measurements of small models; nothing here depends on how fast the machine is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.benchmark.benchmark import (
    BenchmarkSettings,
    benchmark,
    machine,
    model_files_of_file,
)
from genrecls.benchmark.worker import SECONDS, measure, music
from genrecls.errors import ModelFileError, RunError
from genrecls.models import tensorflow_setup
from genrecls.runs.export_facts import DataSource, KerasFile
from genrecls.runs.model_file import save
from tests.explain.songs import classifier
from tests.export.exported_facts import part_scores, scores

TIMES = ("segment_ms", "features_ms", "inference_ms", "track_ms")


def check(row: dict[str, Any], measured: tuple[str, ...] = TIMES) -> None:
    for key in measured:
        assert 0 < row[key]["median"] <= row[key]["p95"], key
    assert row["track_ms"]["seconds"] == SECONDS


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tensorflow: None) -> Path:
    """A model file with random weights on MFCC."""
    path = tmp_path_factory.mktemp("model") / "model.keras"
    tensorflow_setup.configure_tensorflow()
    tensorflow_setup.fresh(1)
    trained = classifier("cnn", leaks=("track",), test=scores(0.75))
    save(path, trained.model, trained.card)
    return path


@pytest.mark.usefixtures("forked_modules")
def test_a_row_a_file_and_number_of_threads_with_the_machine(model: Path) -> None:
    found = benchmark("a-run", BenchmarkSettings([model], (1, 2), 2))
    assert [row["threads"] for row in found["rows"]] == [1, 2]
    for row in found["rows"]:
        assert (row["file"], row["input"], row["mode"]) == ("model.keras", "keras", "float32")
        check(row)
    assert found["run"] == "a-run"
    assert found["machine"]["runtimes"][0].startswith("tensorflow")
    assert json.loads(json.dumps(found)) == found


@pytest.mark.tensorflow
def test_models_on_published_features_are_measured_from_their_inputs_on(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    trained = classifier("mlp", "summary")
    save(path, trained.model, trained.card)
    row = measure(path, 1, 2)
    assert row["features_ms"] is None
    check(row, ("segment_ms", "inference_ms", "track_ms"))


def test_the_music_is_the_same_each_time_and_loud_enough_to_be_some() -> None:
    first, second = music(22050, 2), music(22050, 2)
    assert first.dtype == np.float32
    assert len(first) == 44100
    assert np.array_equal(first, second)
    assert 0.01 < np.sqrt(np.mean(first**2)) < 0.5


@pytest.mark.process
def test_a_bad_file_is_the_error_of_its_reader(tmp_path: Path) -> None:
    (tmp_path / "bad.keras").write_text("no model")
    with pytest.raises(ModelFileError, match=r"bad\.keras: not a readable model file"):
        benchmark("x", BenchmarkSettings([tmp_path / "bad.keras"], (1,), 1))
    with pytest.raises(ModelFileError, match=r"none\.tflite: no such model file"):
        benchmark("x", BenchmarkSettings([tmp_path / "none.tflite"], (1,), 1))


@pytest.mark.tensorflow
def test_a_crash_while_measuring_is_one_line(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crashed(*_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], -11, stdout="", stderr="first\nlast words\n")

    monkeypatch.setattr(subprocess, "run", crashed)
    with pytest.raises(RunError, match="ended with status -11; its last message: last words") as e:
        benchmark("x", BenchmarkSettings([model], (1,), 1))
    assert "\n" not in str(e.value)


def test_the_machine_is_told_without_its_name() -> None:
    facts = machine()
    assert set(facts) == {"cpu", "cores", "system", "python"}
    assert facts["cpu"]
    assert facts["cores"] >= 1


def test_what_is_no_model_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(ModelFileError, match=r"expected a model\.keras or \.tflite"):
        model_files_of_file(tmp_path / "notes.txt")


@pytest.mark.tensorflow
def test_a_model_file_tells_its_own_facts(model: Path) -> None:
    known = model_files_of_file(model)
    assert (known.dataset, known.split) == (DataSource("toy"), "track")
    assert known.keras == KerasFile(part_scores(0.75), model.stat().st_size)


@pytest.mark.process
def test_measuring_a_tflite_file_starts_no_tensorflow() -> None:
    code = """
import sys, genrecls.cli.benchmark, genrecls.benchmark.worker
heavy = {'tensorflow', 'keras', 'librosa', 'hydra', 'pydantic', 'matplotlib'} & set(sys.modules)
sys.exit(f'imported {heavy}' if heavy else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
