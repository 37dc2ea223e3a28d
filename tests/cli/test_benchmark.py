"""`genrecls benchmark` as it is typed, on tiny networks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

from genrecls.benchmark.emulator import Emulation
from genrecls.export.formats import ExportFormat
from genrecls.files.tables import write_json
from genrecls.runs.export_facts import EXPORT
from tests.conftest import RunCommand
from tests.export.conftest import Make, make
from tests.export.exported_facts import export_facts, kept, lost
from tests.runs.finished_runs import Made, finished_run
from tests.runtime.packed import Packed, packed

__all__ = ["make"]

FEATURES, AUDIO = ExportFormat("features", "int8"), ExportFormat("audio", "float32")


@pytest.fixture(scope="module")
def tiny(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """A tiny network and its exported files."""
    return packed(make("cnn"), tmp_path_factory.mktemp("made") / "files")


def exported_run(root: Path, tiny: Packed) -> Path:
    """Make a finished run with two exported files, and one that was refused."""
    run = finished_run(root, "a-run", Made(leaks=["track"]))
    shutil.copy(tiny.keras, run.model_file)
    folder = run.folder / EXPORT
    folder.mkdir()
    for made in (FEATURES, AUDIO):
        shutil.copy(tiny.files[made], folder / made.file)
    refused = lost(ExportFormat("audio", "int8"), "refused", "no")
    rows = [kept(FEATURES), kept(AUDIO), refused]
    facts = export_facts(rows, run="a-run", leaks=("track",))
    write_json(folder / "export.json", facts.to_json())
    return folder


def rows_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
    for row in found:
        for key in ("segment_ms", "inference_ms", "track_ms"):
            assert 0 < row[key]["median"] <= row[key]["p95"]
    return found


@pytest.mark.usefixtures("forked_modules")
@pytest.mark.tensorflow
def test_a_run_is_measured_with_all_its_files_and_its_card_written_again(
    tmp_path: Path, tiny: Packed, run_command: RunCommand
) -> None:
    folder = exported_run(tmp_path, tiny)
    words = ("benchmark", "a-run", "--runs", "2", f"output_root={tmp_path}")
    done = run_command(*words, "--threads", "1,2")
    assert done.status == 0, done.err
    names = ["model.keras", FEATURES.file, AUDIO.file]
    found = rows_of(folder / "benchmark.json")
    assert [(row["file"], row["threads"]) for row in found] == [
        (n, t) for n in names for t in (1, 2)
    ]
    assert all(name in done.out for name in names)
    assert "(LEAKY)" in done.out
    assert "inside" in done.out
    assert "ai-edge-litert" in done.out
    assert "Measuring: 6 of 6" in done.err
    assert imread(folder / "benchmark.png").ndim == 3
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert f"| `{AUDIO.file}` | 2 | inside |" in card
    assert "Not measured" not in card


@pytest.mark.process
def test_a_run_without_an_export_says_how_to_make_one_and_measures_keras(
    tmp_path: Path, tiny: Packed, run_command: RunCommand
) -> None:
    run = finished_run(tmp_path, "a-run")
    shutil.copy(tiny.keras, run.model_file)
    done = run_command("benchmark", "--runs", "1", f"output_root={tmp_path}")
    assert done.status == 0, done.err
    hints = [line for line in done.err.splitlines() if "genrecls export --tflite a-run" in line]
    assert len(hints) == 1
    (row,) = rows_of(run.folder / EXPORT / "benchmark.json")
    assert row["file"] == "model.keras"
    assert not (run.folder / EXPORT / "card.md").exists()


def test_a_device_without_figures_says_what_draws_them(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genrecls.cli.benchmark.find_spec", lambda _: None)
    refused = run_command("benchmark", "best_small", "figures=paper")
    assert refused.error == "figures=paper: figures need genrecls[train]"


@pytest.mark.process
@pytest.mark.parametrize("export_format", [FEATURES, AUDIO])
def test_a_single_file_is_measured_beside_itself(
    export_format: ExportFormat, tmp_path: Path, tiny: Packed, run_command: RunCommand
) -> None:
    file = tmp_path / "my model.tflite"
    shutil.copy(tiny.files[export_format], file)
    done = run_command("benchmark", str(file), "--runs", "1", "figures.format=[pdf]")
    assert done.status == 0, done.err
    (row,) = rows_of(tmp_path / "my model.benchmark.json")
    assert (row["input"], row["mode"]) == (export_format.input, export_format.mode)
    assert (tmp_path / "my model.benchmark.png").is_file()
    assert {path.suffix for path in tmp_path.iterdir()} == {".tflite", ".json", ".png", ".pdf"}


@pytest.mark.usefixtures("forked_modules")
@pytest.mark.tensorflow
@pytest.mark.process
def test_counts_of_the_emulator_stand_in_table_and_card(
    tmp_path: Path, tiny: Packed, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = []

    def count(project: Path, tflite_micro: Path, *, optimised: bool) -> Emulation:
        counted.append((project, tflite_micro.name, (project / "src" / "genrecls.h").is_file()))
        kernels = "CMSIS-NN" if optimised else "reference"
        return Emulation(kernels, "portable", 2.0, 9, 7000, 10_600, 184, 1264, 5000, 6000, 70_000)

    monkeypatch.setattr("genrecls.cli.benchmark.emulate", count)
    folder = exported_run(tmp_path, tiny)
    flags = ("--runs", "1", "--emulator", "tflm")
    done = run_command("benchmark", "a-run", *flags, f"output_root={tmp_path}")
    assert done.status == 0, done.err
    assert "emulated Cortex-M4" in done.out
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert "| reference, portable | 3.5 | 5.3 | 1,264 | 6,000 | 5,000 | 70,000 |" in card
    assert counted[0] == (folder / "micro", "tflm", False)

    # Of a file alone the project is written first.
    file = tmp_path / "my model.tflite"
    shutil.copy(tiny.files[FEATURES], file)
    done = run_command("benchmark", str(file), *flags)
    assert done.status == 0, done.err
    assert counted[-1][2]
    found = json.loads((tmp_path / "my model.benchmark.json").read_text(encoding="utf-8"))
    assert [one["kernels"] for one in found["emulated"]] == ["CMSIS-NN", "reference"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("none.tflite",), "none.tflite: no such model file"),
        (("none",), "'none' names no runs"),
        (("--threads", "1,x"), "received 'x'; allowed: whole numbers from 1"),
        (("--threads", "1,100000"), "--threads: received 100000; allowed: 1 to "),
        (("--runs", "0"), "received '0'; allowed: whole numbers from 1"),
    ],
)
def test_a_mistake_is_one_line(
    words: tuple[str, ...], message: str, tmp_path: Path, run_command: RunCommand
) -> None:
    done = run_command("benchmark", *words, f"output_root={tmp_path}")
    assert done.status == 1
    assert message in done.error


def test_a_damaged_file_is_refused_before_anything_is_written(
    tmp_path: Path, tiny: Packed, run_command: RunCommand
) -> None:
    content = bytearray(tiny.files[FEATURES].read_bytes())
    content[100] ^= 1
    (tmp_path / "bad.tflite").write_bytes(content)
    done = run_command("benchmark", str(tmp_path / "bad.tflite"))
    assert done.status == 1
    assert "bad.tflite: damaged" in done.error
    assert len(list(tmp_path.iterdir())) == 1
