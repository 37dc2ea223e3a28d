"""`genrecls predict x.tflite`, which is to need nothing that a device lacks."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import RunCommand
from tests.runtime.packed import Packed, song

Exported = Callable[[str], Packed]

_ABSENT = ("tensorflow", "keras", "librosa", "hydra", "pydantic", "sklearn", "scipy", "omegaconf")

_PROGRAM = f"""
import sys
from genrecls.cli.main import main
status = main(sys.argv[1:])
print([name for name in {_ABSENT!r} if name in sys.modules])
sys.exit(status)
"""


@pytest.fixture(scope="module")
def model(exported: Exported) -> Path:
    return exported("cnn").file("features", "float32")


@pytest.mark.process
@pytest.mark.parametrize("kind", ["features", "audio"])
def test_nothing_is_imported_that_a_device_lacks(
    kind: Any, exported: Exported, tmp_path: Path
) -> None:
    path = song(tmp_path / "song.wav", 1.0, rate=16_000)
    model = exported("cnn").file(kind, "float32")
    words = ("predict", str(path), str(model), "--format", "json")
    timeline = ("--timeline", str(tmp_path / "timeline.png"))
    for more in ((), timeline):
        done = subprocess.run(
            (sys.executable, "-c", _PROGRAM, *words, *more),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer, imported = done.stdout.rsplit("\n", 2)[:2]
        assert imported == "[]"
        assert json.loads(answer)[0]["genre"] in {"blues", "jazz", "metal", "rock"}
        # What the runtime says of itself is nobody's business.
        lines = done.stderr.splitlines()
        assert all(line.startswith(("model ", "timeline ")) for line in lines)
    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")


def test_keras_and_its_exported_files_say_the_same(
    exported: Exported, run_command: RunCommand, tmp_path: Path
) -> None:
    path, files = song(tmp_path / "song.wav", 2.0), exported("cnn")
    answers = []
    for model in (files.keras, files.file("features", "float32"), files.file("audio", "float32")):
        done = run_command("predict", str(path), str(model), "--format", "json")
        assert done.status == 0
        answers.append(json.loads(done.out)[0])
    keras, *others = answers
    for other in others:
        assert other["genre"] == keras["genre"]
        assert other["probabilities"] == pytest.approx(keras["probabilities"], abs=1e-3)
        assert [s["start"] for s in other["segments"]] == [s["start"] for s in keras["segments"]]


def test_a_folder_is_classified_as_a_table_and_as_csv(
    model: Path, run_command: RunCommand, tmp_path: Path
) -> None:
    songs = [song(tmp_path / "music" / f"{seed}.wav", 1.0, seed=seed) for seed in range(6)]
    done = run_command("predict", str(tmp_path), str(model), "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["path"] for row in rows] == [str(path) for path in songs]
    for row in rows:
        shares = [
            float(row[f"probability:{label}"]) for label in ("blues", "jazz", "metal", "rock")
        ]
        assert np.sum(shares) == pytest.approx(1, abs=1e-4)
    assert "features float32" in done.err
    done = run_command("predict", str(songs[0]), str(model))
    assert "0.wav" in done.out


def test_a_bad_file_among_good_ones_is_named(
    model: Path, run_command: RunCommand, tmp_path: Path
) -> None:
    good, bad = song(tmp_path / "good.wav", 1.0), tmp_path / "bad.wav"
    bad.write_text("no music")
    done = run_command("predict", str(good), str(bad), str(model), "--format", "json")
    assert done.status == 1
    assert [("error" in row) for row in json.loads(done.out)] == [True, False]
    assert "bad.wav: unreadable" in done.err


def test_a_damaged_model_is_one_line(model: Path, run_command: RunCommand, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tflite"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    done = run_command("predict", str(song(tmp_path / "a.wav")), str(damaged))
    assert done.status == 1
    assert "damaged, its digest is not that of its content" in done.error


@pytest.mark.parametrize("name", ["renamed.bin", "X.TFLITE", "x.keras", "no suffix"])
def test_an_exported_file_is_known_by_its_content(
    name: str, model: Path, run_command: RunCommand, tmp_path: Path
) -> None:
    renamed = tmp_path / name
    renamed.write_bytes(model.read_bytes())
    heard = str(song(tmp_path / "a.wav"))
    done = run_command("predict", heard, str(renamed), "--format", "json")
    assert done.status == 0, done.err
    assert "features float32" in done.err


@pytest.mark.parametrize("name", ["model.bin", "model.KERAS"])
def test_another_file_is_no_model(
    name: str, exported: Exported, run_command: RunCommand, tmp_path: Path
) -> None:
    other = tmp_path / name
    other.write_bytes(exported("cnn").keras.read_bytes())
    done = run_command("predict", str(song(tmp_path / "a.wav")), str(other))
    assert done.status == 1
    assert f"{name}: it is a ZIP archive and its name does not end in .keras" in done.error
    assert "expected a model.keras or .tflite" in done.error


def test_the_help_names_exported_files(run_command: RunCommand) -> None:
    assert ".tflite" in run_command("predict", "--help").out
