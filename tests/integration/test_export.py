"""From a finished run to a device: what every input, mode and program answers to one file."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import genrecls.export.export
from genrecls.config.paths import conf_dir
from genrecls.export.convert import conversion
from genrecls.export.convert.conversion import ConversionRequest, ConversionResult
from genrecls.export.formats import INPUTS, MODES, ExportFormat
from genrecls.export.settings import ExportSettings
from genrecls.export.web.litertjs import FILES, LiteRtJs
from genrecls.runs.export_facts import Export, ExportFacts
from genrecls.runtime.container import unpack
from genrecls.runtime.network import Network
from tests.forked import SUBPROCESS
from tests.in_process import Answer, run_here

FORMATS = [f"{kind}_{mode}" for kind in INPUTS for mode in MODES]
# After eight epochs on ten tracks decisions are near a tie, and any rounding turns some.
LENIENT = [f"gate.{mode}={{difference:0.2,decisions:0.6,accuracy:1}}" for mode in MODES[2:]]
BESIDE = {"export.json", "card.md", "classify.pyz", "labels.txt", "tradeoff.png"}
CLOSE = {"float32": 1e-4, "float16": 1e-2, "dynamic": 0.1, "int8": 0.2}


@pytest.fixture(scope="session")
def work(home: Path, tmp_path_factory: pytest.TempPathFactory, process: None) -> Path:
    """A working folder with a finished run that has been exported in all modes."""
    folder = tmp_path_factory.mktemp("export") / "work"
    shutil.copytree(home, folder, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversion, "subprocess", SUBPROCESS)
        answer = run_here(folder, "export", "latest", *LENIENT)
    assert answer.status == 0, answer.err
    copied, flashed = last_lines(answer)[::-1][:2]
    assert "copy audio_" in copied
    assert "flash features_int8.tflite (in micro/): " in flashed
    return folder


def last_lines(answer: Answer) -> list[str]:
    return [line for line in answer.err.splitlines() if line.strip()]


@pytest.fixture(scope="session")
def bundle(work: Path) -> Path:
    (found,) = work.glob("outputs/synth-*/export")
    return found


@pytest.fixture(scope="session")
def song(work: Path) -> Path:
    return sorted(work.glob("data/**/*.wav"))[0]


def probabilities(answer: Answer | subprocess.CompletedProcess[str]) -> tuple[str, Any]:
    """Return genre and probabilities of the only file, and of its segments below them."""
    out = answer.out if isinstance(answer, Answer) else answer.stdout
    (found,) = json.loads(out)
    rows = [found["probabilities"], *(segment["probabilities"] for segment in found["segments"])]
    return found["genre"], np.array([list(row.values()) for row in rows])


@pytest.fixture(scope="session")
def keras(work: Path, song: Path) -> tuple[str, Any]:
    answer = run_here(work, "predict", "latest", song, "--format", "json")
    assert answer.status == 0, answer.err
    return probabilities(answer)


def test_the_bundle_holds_everything_that_a_device_needs(bundle: Path) -> None:
    names = {path.name for path in bundle.iterdir()}
    assert {f"{name}.tflite" for name in FORMATS} <= names
    assert names >= BESIDE
    assert {"golden_int8.npz", "golden_float32.npz"} <= names
    project = {path.name for path in (bundle / "micro").rglob("*.*")}
    assert {"genrecls.h", "front_end.cc", "model.cc", "golden.cc", "golden.wav"} <= project


def test_every_file_has_its_agreement_its_scores_and_its_operators(bundle: Path) -> None:
    facts = json.loads((bundle / "export.json").read_text())
    assert [row["file"] for row in facts["files"]] == [f"{name}.tflite" for name in FORMATS]
    for row in facts["files"]:
        assert row["gate"]["segments"] == 40, row
        assert row["gate"]["parts"] == ["validation", "test"]
        assert row["bytes"] == (bundle / row["file"]).stat().st_size
        assert 0 <= row["test"]["track"]["accuracy"] <= 1
        assert all(use["count"] > 0 for use in row["operators"])
    assert facts["calibration"]["part"] == "train"
    assert len(facts["calibration"]["tracks"]) == 10


def test_every_file_abstains_by_what_it_answered_itself(bundle: Path) -> None:
    confidence = {}
    for mode in ("float32", "int8"):
        _, card = unpack(bundle / f"features_{mode}.tflite")
        held_out = card["held_out"]
        assert held_out["part"] == "validation"
        confidence[mode] = np.array(held_out["confidence"])
    assert np.abs(confidence["int8"] - confidence["float32"]).max() < CLOSE["int8"]
    assert (confidence["int8"] != confidence["float32"]).any()


def test_what_the_samples_for_phones_read_is_what_the_file_takes(bundle: Path) -> None:
    facts = json.loads((bundle / "export.json").read_text())
    flatbuffer, card = unpack(bundle / "audio_float32.tflite")
    (row,) = [row for row in facts["files"] if row["file"] == "audio_float32.tflite"]
    network = Network(flatbuffer)
    assert row["inputs"]["audio"]["shape"] == network.inputs["audio"]["shape"]
    assert network.output["shape"] == [len(facts["labels"])]
    assert facts["labels"] == card["labels"]
    assert facts["features"]["sample_rate"] == card["features"]["sample_rate"]
    seconds = facts["segment"]["length"] * facts["features"]["sample_rate"]
    assert row["inputs"]["audio"]["shape"][0] >= seconds


def test_int8_is_small(tmp_path: Path, tensorflow: None, process: None) -> None:
    words = ("model=cnn_velardo", "features=mfcc", "trainer.epochs=8")
    assert run_here(tmp_path, "train", "debug=smoke", *words).status == 0
    formats = ("inputs=[features]", "modes=[int8]", *LENIENT)
    answer = run_here(tmp_path, "export", "latest", *formats)
    assert answer.status == 0, answer.err
    facts = json.loads((tmp_path / "outputs/latest/export/export.json").read_text())
    (row,) = facts["files"]
    assert row["bytes"] <= 1.25 * facts["model"]["parameters"] + 5_000


def test_int8_is_proved_on_tensorflow_lite_micro(bundle: Path) -> None:
    facts = json.loads((bundle / "export.json").read_text())
    (row,) = [row for row in facts["files"] if row["file"] == "features_int8.tflite"]
    if sys.version_info[:2] == (3, 11):
        assert row["micro"]["runs"], row["micro"]
        assert row["arena"]["source"] == "tflite-micro"


def test_even_raw_audio_runs_on_tensorflow_lite_micro(bundle: Path) -> None:
    facts = json.loads((bundle / "export.json").read_text())
    rows = {row["file"]: row for row in facts["files"] if row["input"] == "audio"}
    if sys.version_info[:2] == (3, 11):
        assert rows["audio_float32.tflite"]["micro"]["runs"], rows
        assert rows["audio_int8.tflite"]["micro"]["runs"], rows


@pytest.fixture
def converted(
    work: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, list[str]]:
    """A copy of the folder, with a converter that has the files ready, and what it is asked for."""
    asked = []

    def ready(request: ConversionRequest) -> Iterator[ConversionResult]:
        for wanted in request.formats:
            asked.append(wanted.file)
            yield ConversionResult(wanted, unpack(bundle / wanted.file)[0], None)

    monkeypatch.setattr(genrecls.export.export, "convert", ready)
    folder = tmp_path / "work"
    shutil.copytree(work, folder, symlinks=True)
    return folder, asked


def test_a_target_gets_the_files_that_fit_it_and_no_others(
    converted: tuple[Path, list[str]],
) -> None:
    folder, asked = converted
    answer = run_here(folder, "export", "latest", *LENIENT, "target=cortex-m4")
    assert answer.status == 0, answer.err
    assert asked == ["features_float32.tflite", "features_int8.tflite"]
    (found,) = folder.glob("outputs/synth-*/export")
    facts = json.loads((found / "export.json").read_text())
    fitting = {row["file"] for row in facts["target"]["verdicts"] if row["fits"]}
    assert "features_int8.tflite" in fitting
    assert {path.name for path in found.glob("*.tflite")} == fitting
    assert "features_int8.tflite" in answer.out
    assert "refused" not in answer.out
    err = " ".join(answer.err.split())
    assert err.count("for Arm Cortex-M4 only features in int8 and float32 are made") == 1
    last = err[err.index("flash features_int8.tflite (in micro/), which fits Arm Cortex-M4: ") :]
    assert re.search(r"flash [\d,]+ of 1,000,000 bytes, 175,000 of them for the program", last)
    assert re.search(r"tensor arena [\d,]+ of 131,072 bytes", last)
    assert re.search(r"RAM [\d,]+ of 262,144 bytes, [\d,]+ of them for the front end", last)
    assert re.search(r"accuracy per test track [\d.]+, Keras [\d.]+$", last)
    assert "flash features_int8.tflite (in micro/)" in (found / "card.md").read_text().lower()


def test_where_nothing_fits_no_file_is_left_and_the_status_says_so(
    converted: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = converted
    words = "'genrecls train experiment=best_tiny' gives a file that fits"
    monkeypatch.setattr(genrecls.export.export, "preset_that_fits", lambda *_: words)
    text = (conf_dir() / "export" / "target" / "esp32.yaml").read_text(encoding="utf-8")
    board = text.replace("memory: 163840", "memory: 100").replace("Espressif ESP32", "a board")
    (folder / "board.yaml").write_text(board, encoding="utf-8")
    answer = run_here(folder, "export", "latest", *LENIENT, "target=board.yaml")
    assert answer.status == 1
    assert "it does not fit a board: memory: the tensor arena takes" in answer.err
    assert "no file fits a board" in last_lines(answer)[-1]
    assert last_lines(answer)[-1].endswith(f"or train a smaller model: {words}")
    (found,) = folder.glob("outputs/synth-*/export")
    assert not list(found.rglob("*.tflite"))
    assert not (found / "micro").exists()


def test_the_card_says_how_int8_is_fed_and_what_made_it(bundle: Path) -> None:
    card = (bundle / "card.md").read_text()
    assert "deviation[c]" in card
    assert "genrecls export --tflite synth-" in card
    assert "'gate.int8={difference:0.2,decisions:0.6,accuracy:1}'" in card
    assert "ai-edge-litert" in card


def test_nothing_in_the_bundle_names_a_folder_of_this_machine(bundle: Path, work: Path) -> None:
    for path in bundle.rglob("*"):
        if path.suffix in {".md", ".json", ".cc", ".h", ".txt", ".py", ".tflite"}:
            assert str(work.parent).encode() not in path.read_bytes(), path


def test_summary_features_are_exported_with_a_card_and_without_files_that_take_audio(
    tmp_path: Path, tensorflow: None, forked_modules: None
) -> None:
    words = ["debug=smoke", "features=summary", "model=mlp", "model.head.units=[16]"]
    assert run_here(tmp_path, "train", *words).status == 0
    answer = run_here(
        tmp_path, "export", "--tflite", "latest", "modes=[float16,int8]", *LENIENT[1:]
    )
    assert answer.status == 0, answer.err
    refused = [line for line in answer.err.splitlines() if "beat tracking" in line]
    assert len(refused) == 1
    (found,) = tmp_path.glob("outputs/synth-*/export")
    assert "`summary`" in (found / "card.md").read_text()
    assert {path.name for path in found.glob("*.tflite")} == {
        "features_float16.tflite",
        "features_int8.tflite",
    }


def test_a_run_of_which_no_file_can_be_made_is_one_line_and_leaves_no_bundle(
    tmp_path: Path, tensorflow: None, without_figures: None
) -> None:
    assert run_here(tmp_path, "train", "debug=smoke", "features=mfcc", "model=knn").status == 0
    answer = run_here(tmp_path, "export", "--tflite", "latest")
    assert answer.status == 1
    assert answer.error.startswith("no file can be made of run synth-mfcc-knn-")
    assert "nearest neighbours" in answer.error
    assert not list(tmp_path.glob("outputs/*/export"))


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_says_of_a_song_what_keras_says(
    name: str, work: Path, bundle: Path, song: Path, keras: tuple[str, Any]
) -> None:
    file = bundle / f"{name}.tflite"
    answer = run_here(work, "predict", song, file, "--format", "json")
    assert answer.status == 0, answer.err
    genre, found = probabilities(answer)
    assert np.abs(found - keras[1]).max() < CLOSE[name.partition("_")[2]]
    if "float" in name:
        assert genre == keras[0]


@pytest.mark.parametrize("name", ["features_float32", "audio_float32", "features_int8"])
def test_the_single_file_for_devices_says_the_same(
    name: str, work: Path, bundle: Path, song: Path
) -> None:
    words = [str(bundle / f"{name}.tflite"), "--format", "json", str(song)]
    alone = subprocess.run(
        [sys.executable, "-I", str(bundle / "classify.pyz"), *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
        cwd=work,
    )
    program = run_here(work, "predict", *words)
    assert probabilities(alone)[0] == probabilities(program)[0]
    assert np.abs(probabilities(alone)[1] - probabilities(program)[1]).max() < 1e-4


def test_live_says_of_each_segment_what_a_file_says(
    work: Path, bundle: Path, song: Path, keras: tuple[str, Any]
) -> None:
    file = bundle / "features_float32.tflite"
    options = ["--smooth", "1", "--live-wait", "0.5", "--format", "json"]
    answer = run_here(work, "predict", file, "--live", song, *options)
    assert answer.status == 0, answer.err
    lines = [json.loads(line) for line in answer.out.splitlines()]
    live = np.array([list(line["probabilities"].values()) for line in lines])
    # A song of 6 s has two segments; a rest is for files only, whose end is known.
    assert np.abs(live - keras[1][1 : 1 + len(live)]).max() < 1e-4
    assert len(live) >= 2


def test_a_file_that_fails_the_gate_is_not_left_and_the_status_says_so(
    converted: tuple[Path, list[str]],
) -> None:
    folder, _ = converted
    (found,) = folder.glob("outputs/synth-*/export")
    (found / "notes.txt").write_text("mine")
    never = "gate.float32={difference:1e-12,decisions:null,accuracy:null}"
    answer = run_here(folder, "export", "latest", "modes=[float32]", "inputs=[features]", never)
    assert answer.status == 1
    assert "differs by" in answer.err
    assert "Traceback" not in answer.err
    assert not list(found.rglob("*.tflite"))
    # Nor is anything else of the export before, which would be taken for this one's.
    left = {path.name for path in found.iterdir()}
    assert left == {*BESIDE, "notes.txt"}
    assert not list(found.parent.glob(".export-*"))
    (row,) = json.loads((found / "export.json").read_text())["files"]
    assert row["status"] == "rejected"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("modes=[int4]", "modes.0: received 'int4'"),
        ("inputs=[]", "inputs"),
        ("target=cortex-m5", "did you mean"),
        ("gate.int8.decisions=2", "gate.int8.decisions"),
        ("mode=int8", "unknown key"),
        ("no-such-run", "names no runs"),
    ],
)
def test_what_cannot_be_meant_is_one_line_at_once(work: Path, word: str, expected: str) -> None:
    answer = run_here(work, "export", word)
    assert answer.status == 1
    assert expected in answer.error


def page_of(folder: Path) -> dict[str, Any]:
    """Return what the page of the only run in a working folder computes with."""
    (path,) = folder.glob("outputs/synth-*/web/model.json")
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts


@pytest.fixture
def litertjs(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteRT.js without a content."""
    package = LiteRtJs("2.5.3", dict.fromkeys(FILES, b""))
    # Where it is used: whether that is imported already depends on the tests before.
    monkeypatch.setattr("genrecls.export.web.litertjs.find_litertjs", lambda _: package)


def test_a_page_takes_the_most_exact_file_of_a_bundle(
    work: Path, bundle: Path, litertjs: None
) -> None:
    answer = run_here(work, "export", "--web", "latest")
    assert answer.status == 0, answer.err
    facts = page_of(work)
    assert facts["input"] == {"name": "mel", "shape": [65, 64]}
    content = (bundle.parent / "web" / "model.tflite").read_bytes()
    assert content == (bundle / "features_float32.tflite").read_bytes()


def test_a_run_without_a_bundle_is_exported_for_its_page(
    work: Path, bundle: Path, litertjs: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(work, tmp_path / "work", symlinks=True)
    (copied,) = (tmp_path / "work").glob("outputs/synth-*")
    facts = json.loads((copied / "export" / "export.json").read_text())
    shutil.rmtree(copied / "export")
    asked: list[Any] = []

    def export(settings: ExportSettings, words: list[str]) -> Export:
        asked.extend([*settings.formats, words])
        shutil.copytree(bundle, copied / "export")
        kept = [row for row in facts["files"] if row["file"] == "features_float32.tflite"]
        return Export(copied / "export", ExportFacts.from_json({**facts, "files": kept}))

    monkeypatch.setattr(genrecls.export.export, "export", export)
    answer = run_here(tmp_path / "work", "export", "--web", "latest", "calibration=40")
    assert answer.status == 0, answer.err
    words = ["calibration=40", "modes=[float32]", "inputs=[features]"]
    assert asked == [ExportFormat("features", "float32"), words]
    assert page_of(tmp_path / "work")["front_end"]["n_fft"] == 2048
