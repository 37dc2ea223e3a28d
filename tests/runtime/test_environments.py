"""Exported files where there is nothing but a TFLite runtime and what it needs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from genrecls.export.bundle.standalone import write
from genrecls.export.formats import Input, Mode
from genrecls.runtime.tflite_predictor import load_tflite
from genrecls.shipped.models import shipped_file
from tests.runtime.conftest import Exported
from tests.runtime.environments import OLD_RUNTIME, Environment, bare, base_requirements
from tests.runtime.packed import song

pytestmark = pytest.mark.process

ABSENT = ("tensorflow", "keras", "librosa", "hydra", "omegaconf", "scipy", "pydantic")


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="session")
def device(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """What `classify.pyz` names, and nothing else."""
    folder = tmp_path_factory.mktemp("device")
    return bare(folder, ["numpy", "soundfile", "ai-edge-litert"])


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """What `pip install genrecls[litert]` brings."""
    folder = tmp_path_factory.mktemp("installed")
    return bare(folder, base_requirements("litert"), with_genrecls=True)


@pytest.fixture(scope="session")
def old() -> Environment:
    """What `pip install genrecls[tflite-runtime]` brings."""
    python = OLD_RUNTIME / "bin" / "python"
    if not (OLD_RUNTIME / ".ready").exists():
        pytest.skip(
            f"no {OLD_RUNTIME.name} with tflite-runtime 2.14 and numpy below 2: 'make test' makes "
            "it, on Python 3.11 for Linux"
        )
    return Environment(python)


@pytest.fixture(params=["song.wav", "song.mp3"])
def heard(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return song(tmp_path / request.param, 2.0, 22050)


def _answer(environment: Environment, *words: str | Path) -> dict[str, Any]:
    done = environment.run(*words, "--format", "json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def _check_same(found: dict[str, Any], model: Path, heard: Path, tolerance: float = 1e-4) -> None:
    expected = load_tflite(model).classify(heard)
    labels = load_tflite(model).labels
    assert found["genre"] == labels[expected.decision]
    assert found["probabilities"] == pytest.approx(
        dict(zip(labels, expected.probabilities, strict=True)), abs=tolerance
    )


def _one_line(environment: Environment, *words: str | Path) -> str:
    done = environment.run(*words)
    assert done.returncode == 1
    # The runtimes themselves greet on standard error.
    (line,) = (line for line in done.stderr.splitlines() if not line.startswith("INFO: "))
    return line


@pytest.mark.parametrize("place", ["device", "installed"])
def test_the_bare_environments_are_bare(place: str, request: pytest.FixtureRequest) -> None:
    environment: Environment = request.getfixturevalue(place)
    asked = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    names = [*ABSENT, *(["soxr", "rich", "genrecls"] if place == "device" else [])]
    assert environment.run("-c", asked, *names, "numpy").stdout.strip() == "['numpy']"


def test_the_program_needs_the_runtime_alone(
    device: Environment,
    program: Path,
    exported: Exported,
    heard: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # There is no soxr there, so the expected answer does without it as well.
    monkeypatch.setitem(sys.modules, "soxr", None)
    tried: list[tuple[str, Input]] = [
        ("cnn", "features"),
        ("cnn", "audio"),
        ("rnn_lstm", "audio"),
    ]
    for sort, kind in tried:
        model = exported(sort).file(kind, "int8")
        found = _answer(device, program, "--model", model, heard)
        _check_same(found, model, heard)


def test_the_program_says_in_one_line_what_it_cannot_do(
    device: Environment, program: Path, exported: Exported, heard: Path
) -> None:
    words = (program, "--model", exported("cnn").file("features", "float32"), heard)
    for threads in ("0", "100000"):
        line = _one_line(device, *words, "--threads", threads)
        assert f"--threads: received {threads}; allowed: 1 to " in line
    assert device.run(*words).stderr == ""
    for other in (program.with_name("other.tflite"), words[2]):
        line = _one_line(device, *words, other)
        assert f"expected one model, received {words[2]} and {other}; name one of them" in line


def test_the_verb_predict_needs_neither_tensorflow_nor_librosa_nor_hydra(
    installed: Environment, exported: Exported, heard: Path
) -> None:
    model = exported("cnn").file("features", "float32")
    _check_same(_answer(installed, "-m", "genrecls", "predict", model, heard), model, heard)


def test_the_shipped_model_needs_no_more(installed: Environment, heard: Path) -> None:
    model = shipped_file("best_small")
    assert model is not None
    _check_same(_answer(installed, "-m", "genrecls", "predict", heard), model, heard)
    listed = installed.run("-m", "genrecls", "models")
    assert "best_small" in listed.stdout, listed.stderr


def test_a_file_of_predictions_is_continued_there(
    installed: Environment, heard: Path, tmp_path: Path
) -> None:
    file = tmp_path / "out.csv"
    words = ("-m", "genrecls", "predict", "--model", "best_small", heard, "--output", file)
    for said in ("1 answer in ", "has 1 answer; 0 are missing"):
        done = installed.run(*words)
        assert done.returncode == 0, done.stderr
        assert said in done.stderr
    assert len(file.read_text(encoding="utf-8").splitlines()) == 2


def test_without_a_runtime_one_line_names_what_to_install(
    program: Path, exported: Exported, tmp_path: Path
) -> None:
    none = bare(tmp_path / "none", ["numpy", "soundfile"])
    model = exported("cnn").file("features", "int8")
    line = _one_line(none, program, "--model", model, song(tmp_path / "song.wav"))
    assert "no TFLite runtime is installed" in line
    assert "pip install ai-edge-litert" in line


def test_the_old_runtime_beside_a_new_numpy_is_one_line(
    program: Path, exported: Exported, tmp_path: Path
) -> None:
    stub = tmp_path / "stub" / "tflite_runtime"
    stub.mkdir(parents=True)
    for name in ("__init__", "interpreter"):
        (stub / f"{name}.py").touch()
    python = bare(tmp_path / "new", ["numpy", "soundfile"]).python
    model = exported("cnn").file("features", "int8")
    environment = Environment(python, str(stub.parent))
    line = _one_line(environment, program, "--model", model, song(tmp_path / "song.wav"))
    assert "tflite-runtime needs numpy below 2, found 2" in line


@pytest.mark.parametrize("kind", ["features", "audio"])
@pytest.mark.parametrize("sort", ["cnn", "rnn_lstm"])
def test_the_old_runtime_gives_the_same_answer(
    sort: str,
    kind: Input,
    old: Environment,
    program: Path,
    exported: Exported,
    tmp_path: Path,
) -> None:
    heard = song(tmp_path / "song.wav", 2.0, 22050)
    # Its rounding of int8 differs by a step or two of 1 / 256.
    tolerances: dict[Mode, float] = {"float32": 1e-4, "float16": 1e-4, "int8": 0.01}
    for mode, tolerance in tolerances.items():
        model = exported(sort).file(kind, mode)
        for way in ([program], ["-m", "genrecls", "predict"]):
            answer = _answer(old, *way, "--model", model, heard)
            _check_same(answer, model, heard, tolerance)


def test_the_old_runtime_refuses_a_dynamic_range_file_in_one_line(
    old: Environment, program: Path, exported: Exported, tmp_path: Path
) -> None:
    model = exported("cnn").file("features", "dynamic")
    line = _one_line(old, program, "--model", model, song(tmp_path / "song.wav"))
    assert "tflite-runtime cannot run this file" in line
    assert "no dynamic-range files" in line
