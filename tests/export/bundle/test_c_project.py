"""The C++ project of the bundle: complete, free of warnings, and able to say no."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from filelock import FileLock

from genrecls.config.validation import select
from genrecls.errors import ExportError
from genrecls.export.bundle.c_project import (
    TESTED,
    Project,
    arena_kib,
    front_end_bytes,
    write_project,
)
from genrecls.export.bundle.c_tables import interface
from genrecls.export.bundle.golden_audio import golden_audio
from genrecls.export.formats import ExportFormat
from genrecls.export.tflite.operators import operator_uses
from genrecls.export.verify.micro import LARGEST_NETWORK
from genrecls.features.base import FEATURES
from genrecls.features.segmentation import SegmentRule
from genrecls.runtime.network import Network
from tests.composed import conf_values
from tests.export.compiled import COMPILER, build, output, write_stand_ins
from tests.export.conftest import Make
from tests.export.one_operator import one_operator

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")
TIDY = shutil.which("clang-tidy")
# What takes two numbers can be called with them in the wrong order: so can all of DSP.
CHECKS = "-*,bugprone-*,clang-analyzer-*,performance-*,-bugprone-easily-swappable-parameters"
PAGE = Path(__file__).parents[3] / "docs" / "how_to" / "genre_sensor.md"
ARM, QEMU = shutil.which("arm-none-eabi-g++"), shutil.which("qemu-system-arm")
NETWORK = ("src/network.cc", "src/model.cc", "src/tables.cc", "test/golden.cc")
FRONT_END = ("src/front_end.cc", "src/fft.cc")
GOLDEN_TEST = ("test/golden_test.cc", *NETWORK)
FRONT_END_TEST = (
    "test/front_end_test.cc",
    "test/golden_audio.cc",
    "test/golden.cc",
    "src/tables.cc",
    *FRONT_END,
)
CLASSIFY = ("examples/classify_wav/classify_wav.cc", "src/genrecls.cc", *NETWORK, *FRONT_END)


@pytest.fixture(scope="module")
def project(make: Make) -> Project:
    made = make("crnn")
    flatbuffer = made.flatbuffer(ExportFormat("features", "int8"))
    network, card = Network(flatbuffer), made.tiny.card
    audio = golden_audio(card.features, card.segment)
    assert audio is not None
    inputs = {"mfcc": np.concatenate([audio.features["mfcc"], made.tiny.inputs["mfcc"][:4]])}
    return Project(
        title="crnn, features int8",
        flatbuffer=flatbuffer,
        labels=card.labels,
        features=card.features,
        segment=card.segment,
        inputs=(network.quantised("mfcc", inputs["mfcc"]),),
        outputs=network.raw_outputs(inputs),
        audio=audio,
        arena_bytes=9000,
        measured=True,
    )


def test_all_files_are_written(project: Project, tmp_path: Path) -> None:
    paths = write_project(tmp_path, project)
    names = {path.relative_to(tmp_path).as_posix() for path in paths}
    assert {*GOLDEN_TEST, *FRONT_END_TEST, *CLASSIFY} <= names
    assert {"src/genrecls.h", "golden.wav", "README.md", "CMakeLists.txt"} <= names
    assert names >= {"library.properties", "idf_component.yml", "zephyr/module.yml"}
    texts = [path for path in paths if path.suffix not in {".wav", ".zip"}]
    assert all(path.read_text(encoding="utf-8").strip() for path in texts)
    assert all("{{" not in path.read_text(encoding="utf-8") for path in texts)


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("x\nPWNED := $(shell,id)\n#", "x_PWNED __ _(shell,id)__"),
        ("x *\\\n/ int pwned; /*", "x ____ int pwned_ __"),
        ('my "best" {{ 1 }}: 50 %', "my _best_ __ 1 ___ 50 _"),
        ("Jazz & Ö (1), int8", "Jazz _ Ö (1), int8"),
    ],
)
def test_the_name_of_a_model_is_no_instruction(
    title: str, written: str, project: Project, tmp_path: Path
) -> None:
    for folder, name in (("named", title), ("plain", written)):
        write_project(tmp_path / folder, replace(project, title=name))
    for path in (tmp_path / "named").rglob("*.*"):
        if path.is_file() and path.suffix != ".zip":
            plain = tmp_path / "plain" / path.relative_to(tmp_path / "named")
            assert path.read_bytes() == plain.read_bytes(), path
    assert written in (tmp_path / "named" / "src" / "genrecls.h").read_text(encoding="utf-8")


def test_every_generated_source_says_its_licence(project: Project, tmp_path: Path) -> None:
    sources = [p for p in write_project(tmp_path, project) if p.suffix in {".h", ".cc", ".ino"}]
    assert len(sources) > 20
    for path in sources:
        head = path.read_text(encoding="utf-8")[:1500]
        assert "SPDX-License-Identifier: Apache-2.0" in head, path


def test_the_arduino_library_has_sources_a_sketch_and_its_properties(
    project: Project, tmp_path: Path
) -> None:
    write_project(tmp_path, project)
    with ZipFile(tmp_path / "genrecls_arduino.zip") as archive:
        names = set(archive.namelist())
    assert {
        "genrecls/library.properties",
        "genrecls/src/genrecls.h",
        "genrecls/src/front_end.cpp",
        "genrecls/examples/microphone/microphone.ino",
    } <= names
    assert not any(name.endswith(".cc") for name in names)


@pytest.mark.process
@needs_compiler
def test_the_examples_for_boards_are_c_plus_plus(built: Path) -> None:
    """No toolchain of a board is here: at least the calls of ours are right."""
    (built / "boards").mkdir(exist_ok=True)
    sketch = built / "examples" / "microphone" / "microphone.ino"
    for name, text in BOARDS.items():
        (built / "boards" / name).parent.mkdir(parents=True, exist_ok=True)
        (built / "boards" / name).write_text(text, encoding="utf-8")
    for source in (sketch, built / "examples" / "esp32" / "main" / "main.cc"):
        words = [str(COMPILER), "-std=c++17", "-fsyntax-only", "-xc++", "-Wall", "-Werror"]
        folders = [f"-I{built / 'boards'}", f"-I{built / 'src'}"]
        done = subprocess.run(
            [*words, *folders, str(source)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.process
@pytest.mark.skipif(ARM is None, reason="no arm-none-eabi-g++ (Debian: gcc-arm-none-eabi)")
@pytest.mark.skipif(QEMU is None, reason="no qemu-system-arm (Debian: qemu-system-arm)")
@pytest.mark.skipif(shutil.which("cmake") is None, reason="no CMake")
def test_a_cortex_m4_hears_what_this_machine_hears(project: Project, tmp_path: Path) -> None:
    write_project(tmp_path, project)
    toolchain = f"-DCMAKE_TOOLCHAIN_FILE={tmp_path}/emulator/cortex-m4.cmake"
    assert _cmake("-B", "build", toolchain, folder=tmp_path).returncode == 0
    built = _cmake("--build", "build", folder=tmp_path)
    assert built.returncode == 0, built.stderr
    lines = []
    for name in ("front_end_test", "measure"):
        run = ["sh", "emulator/run.sh", f"build/{name}", "golden.wav"]
        done = subprocess.run(
            run, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout
        lines += done.stdout.splitlines()
    assert "The front end is that of the training" in lines
    (counted,) = (line for line in lines if line.startswith("portable Fourier transform: "))
    assert 5_000 < int(counted.split()[-2]) < 50_000


# Sends the golden audio to the one call, twice, and says what it answers.
CALLS = """
#include <cstdio>
#include "genrecls.h"
#include "wav.h"
static unsigned char arena[GENRECLS_ARENA_BYTES];
static void Show(genrecls_answer& answer) {
  std::printf("%u %s %d %.4f", static_cast<unsigned>(answer.segments), answer.label, answer.genre,
              static_cast<double>(answer.probability));
  for (float p : answer.smoothed) std::printf(" %.4f", static_cast<double>(p));
  for (float p : answer.segment) std::printf(" %.4f", static_cast<double>(p));
  std::printf("\\n");
}
int main() {
  genrecls_answer answer;
  short block[777];
  std::printf("%d %d\\n", genrecls_feed(block, 0), genrecls_result(&answer));
  std::printf("%d\\n", genrecls_init(arena, 10));
  std::printf("%d\\n", genrecls_init(arena, sizeof(arena)));
  std::printf("%d\\n", genrecls_result(&answer));
  for (int round = 0; round < 2; ++round) {
    genrecls::Wav wav;
    if (!wav.Open("golden.wav", GENRECLS_SAMPLE_RATE)) return 1;
    for (std::size_t count; (count = wav.Samples(block, 777)) != 0;) {
      if (genrecls_feed(block, count) <= 0) continue;
      if (genrecls_result(&answer) != GENRECLS_OK) return 1;
      Show(answer);
    }
    genrecls_reset();
  }
  std::printf("%s %s\\n", genrecls_label(1), genrecls_label(-1));
  return 0;
}
"""
# What the examples need of Arduino and ESP-IDF 5, by its real names.
BOARDS = {
    "PDM.h": """
#pragma once
#include <cstddef>
#include <cstdint>
struct PdmClass {
  void onReceive(void (*)()) {}
  int begin(int, int) { return 1; }
  int available() { return 0; }
  int read(void*, std::size_t) { return 0; }
};
inline PdmClass PDM;
struct SerialClass {
  void begin(unsigned long) {}
  template <class T> void print(T) {}
  template <class T> void println(T) {}
};
inline SerialClass Serial;
inline void delay(unsigned long) {}
using std::size_t;
""",
    "TensorFlowLite.h": "",
    "esp_err.h": "#define ESP_ERROR_CHECK(x) static_cast<void>(x)\n",
    "driver/i2s_std.h": """
#pragma once
#include <cstddef>
#include <cstdint>
enum gpio_num_t { I2S_GPIO_UNUSED = -1, GPIO_NUM_25 = 25, GPIO_NUM_26, GPIO_NUM_33 = 33 };
using i2s_chan_handle_t = struct Channel*;
struct i2s_chan_config_t { int id, role; std::uint32_t dma_desc_num, dma_frame_num; };
struct Pins { gpio_num_t mclk, bclk, ws, dout, din; };
struct i2s_std_config_t { int clk_cfg, slot_cfg; Pins gpio_cfg; };
#define I2S_NUM_AUTO 0
#define I2S_ROLE_MASTER 0
#define I2S_CHANNEL_DEFAULT_CONFIG(id, role) {id, role, 6, 240}
#define I2S_STD_CLK_DEFAULT_CONFIG(rate) rate
#define I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(bits, mode) bits + mode
#define I2S_DATA_BIT_WIDTH_32BIT 32
#define I2S_SLOT_MODE_MONO 1
#define portMAX_DELAY 0xffffffffu
inline int i2s_new_channel(i2s_chan_config_t*, void*, i2s_chan_handle_t*) { return 0; }
inline int i2s_channel_init_std_mode(i2s_chan_handle_t, i2s_std_config_t*) { return 0; }
inline int i2s_channel_enable(i2s_chan_handle_t) { return 0; }
inline int i2s_channel_read(i2s_chan_handle_t, void*, std::size_t, std::size_t*, unsigned) {
  return 0;
}
""",
}
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.fixture(scope="module")
def built(project: Project, shared_folder: Path) -> Path:
    """The project with its programs, compiled once against the stand-ins."""
    folder = shared_folder / "c_project"
    with FileLock(f"{folder}.lock"):
        if not (folder / "front_end_test").exists():
            write_project(folder, project)
            write_stand_ins(folder, [str(use.method) for use in operator_uses(project.flatbuffer)])
            (folder / "calls.cc").write_text(CALLS, encoding="utf-8")
            build(folder, GOLDEN_TEST, name="golden_test")
            build(folder, ("calls.cc", *CLASSIFY[1:]), *SANITIZERS, name="calls")
            build(folder, FRONT_END_TEST, *SANITIZERS, name="front_end_test")
    return folder


@pytest.mark.process
@needs_compiler
def test_golden_answers_pass_and_two_steps_are_forgiven(project: Project, built: Path) -> None:
    for error in "02":
        status, lines = output(built / "golden_test", STUB_ERROR=error)
        assert status == 0
        assert lines[-1] == "0 of 7 examples wrong"
        genres = [project.labels[index] for index in project.outputs.argmax(axis=1)]
        assert lines[1:-1] == [f"example {i}: {g}, as expected" for i, g in enumerate(genres)]


@pytest.mark.process
@needs_compiler
def test_other_answers_fail(built: Path) -> None:
    status, lines = output(built / "golden_test", STUB_ERROR="3")
    assert status == 1
    assert lines[-1] == "7 of 7 examples wrong"


@pytest.mark.process
@needs_compiler
def test_the_arena_is_the_reported_one_and_a_little_more(built: Path) -> None:
    status, lines = output(built / "golden_test", STUB_ARENA="9000")
    assert (status, lines[0]) == (0, "arena: 9000 of 11264 bytes")
    status, lines = output(built / "golden_test", STUB_ARENA="20000")
    assert (status, lines) == (1, ["arena: 11264 bytes are not enough"])


@pytest.mark.process
@needs_compiler
def test_the_golden_audio_passes_stage_by_stage(built: Path) -> None:
    status, lines = output(built / "front_end_test")
    assert status == 0, lines
    assert lines[0].endswith("portable Fourier transform of 256 samples")
    stages = ["window", "spectrum", "mel bands", "decibels", "coefficients", "input"]
    assert [line.split("  ")[0].strip() for line in lines[2:8]] == stages
    assert lines[-1] == "The front end is that of the training"


@pytest.mark.process
@needs_compiler
def test_segments_that_overlap_in_training_follow_one_another_on_a_device(
    project: Project, tmp_path: Path
) -> None:
    segment = replace(project.segment, hop=project.segment.length / 2)
    audio = golden_audio(project.features, segment)
    assert audio is not None
    assert project.audio is not None
    assert audio.wav == project.audio.wav
    write_project(tmp_path, replace(project, segment=segment, audio=audio))
    status, lines = output(build(tmp_path, FRONT_END_TEST))
    assert (status, lines[-1]) == (0, "The front end is that of the training")
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "without overlap, though training let them overlap" in readme


@pytest.mark.process
@needs_compiler
@pytest.mark.skipif(TIDY is None, reason="no clang-tidy")
def test_clang_tidy_finds_nothing(built: Path) -> None:
    sources = [f"src/{name}.cc" for name in ("fft", "front_end", "genrecls", "tables")]
    words = [str(TIDY), "--quiet", f"--checks={CHECKS}", "--warnings-as-errors=*", *sources]
    flags = ["--", "-std=c++17", "-fno-exceptions", "-Isrc"]
    done = subprocess.run([*words, *flags], cwd=built, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.process
@needs_compiler
def test_a_front_end_that_differs_is_told_where_it_begins(built: Path, tmp_path: Path) -> None:
    """A wrong weight of a mel filter shows in the bands, and not before."""
    folder = tmp_path / "changed"
    shutil.copytree(built, folder)
    source = folder / "src" / "tables.cc"
    text = source.read_text(encoding="utf-8")
    before, weights = text.split("kMelWeights[kMelWeightCount] = {\n")
    source.write_text(f"{before}kMelWeights[kMelWeightCount] = {{\n9.0f + {weights}", "utf-8")
    status, lines = output(build(folder, FRONT_END_TEST))
    assert status == 1
    assert lines[-1] == "The front end differs first at: mel bands"
    (bands,) = [line for line in lines if "mel bands" in line][:1]
    assert "DIFFERS" in bands
    assert ", value 0: " in bands


@pytest.mark.process
@needs_compiler
def test_the_one_call_says_what_was_heard(project: Project, built: Path) -> None:
    status, lines = output(built / "calls", STUB_ARENA="9000")
    assert status == 0
    assert lines[:4] == ["-1 -1", "-3", "0", "-1"]
    scale, zero_point = (
        interface(project.flatbuffer).output.scale,
        interface(project.flatbuffer).output.zero_point,
    )
    probabilities = scale * (project.outputs[:3].astype(float) - zero_point)
    expected = []
    for i in range(3):
        smoothed = probabilities[: i + 1].mean(axis=0)
        best = int(smoothed.argmax())
        sure = smoothed[best] >= 0.4
        words = [str(i + 1), project.labels[best] if sure else "unknown", str(best if sure else -1)]
        values = [smoothed[best], *smoothed, *probabilities[i]]
        expected.append(" ".join([*words, *(f"{value:.4f}" for value in values)]))
    assert lines[4:7] == expected
    # After a reset nothing of what was heard is left.
    assert lines[7:10] == expected
    assert lines[10] == f"{project.labels[1]} unknown"


def test_the_header_of_the_one_call_is_short_enough_to_read(
    project: Project, tmp_path: Path
) -> None:
    write_project(tmp_path, project)
    assert len((tmp_path / "src" / "genrecls.h").read_text(encoding="utf-8").splitlines()) <= 100


@pytest.mark.process
@needs_compiler
def test_float_networks_have_a_project_as_well(
    make: Make, project: Project, tmp_path: Path
) -> None:
    flatbuffer = make("crnn").flatbuffer(ExportFormat("features", "float32"))
    assert project.audio is not None
    features = {"mfcc": np.asarray(project.audio.features["mfcc"], np.float32)}
    outputs = Network(flatbuffer).raw_outputs(features)
    inputs = (features["mfcc"],)
    changed = replace(project, flatbuffer=flatbuffer, inputs=inputs, outputs=outputs)
    status, lines = _run(changed, tmp_path)
    assert (status, lines[-1]) == (0, "0 of 3 examples wrong")
    status, lines = output(build(tmp_path, CLASSIFY), str(tmp_path / "golden.wav"))
    assert status == 0
    for line, probabilities in zip(lines, outputs, strict=True):
        assert [float(word.rstrip(",")) for word in line.split()[5::2]] == pytest.approx(
            probabilities.tolist(), abs=6e-4
        )


@pytest.mark.process
@needs_compiler
def test_features_that_no_device_computes_have_a_project_without_a_front_end(
    make: Make, project: Project, tmp_path: Path
) -> None:
    made = make("mlp")
    inputs = np.zeros((2, made.tiny.inputs["summary"].shape[1]), np.int8)
    changed = replace(
        project,
        flatbuffer=made.flatbuffer(ExportFormat("features", "int8")),
        features=made.tiny.card.features,
        inputs=(inputs,),
        outputs=np.zeros((2, len(project.labels)), np.int8),
        audio=None,
    )
    status, lines = _run(changed, tmp_path)
    assert (status, lines[-1]) == (0, "0 of 2 examples wrong")
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "The features `summary` are not computed on a microcontroller" in readme
    assert "genrecls_feed" not in readme
    assert not (tmp_path / "src" / "front_end.cc").exists()


@pytest.mark.process
@needs_compiler
@pytest.mark.skipif(shutil.which("cmake") is None, reason="no CMake")
def test_cmake_builds_and_runs_it_with_a_tree_of_tensorflow_lite_micro(
    project: Project, tmp_path: Path
) -> None:
    folder, tree = tmp_path / "micro", tmp_path / "tflm"
    write_project(folder, project)
    write_stand_ins(tree, [str(use.method) for use in operator_uses(project.flatbuffer)])
    # The interpreter of the stand-ins knows the golden answers.
    answers = tree / "tensorflow" / "lite" / "micro" / "answers.cc"
    answers.write_text('#include "golden.cc"\n', encoding="utf-8")
    flags = f"-DCMAKE_CXX_FLAGS=-I{folder}/src -I{folder}/test"
    refused = _cmake("-B", "build", "-DTFLITE_MICRO_DIR=nowhere", folder=folder)
    assert refused.returncode == 1
    assert "expected the folder that get_tflm.sh" in refused.stderr
    assert _cmake("-B", "build", f"-DTFLITE_MICRO_DIR={tree}", flags, folder=folder).returncode == 0
    built = _cmake("--build", "build", folder=folder)
    assert built.returncode == 0, built.stderr
    status, lines = output(folder / "build" / "golden_test")
    assert (status, lines[-1]) == (0, "0 of 7 examples wrong")
    wav = str(folder / "golden.wav")
    assert output(folder / "build" / "front_end_test", wav)[0] == 0
    status, lines = output(folder / "build" / "classify_wav", wav)
    assert status == 0
    assert [line.split(":")[0] for line in lines] == ["segment 1", "segment 2", "segment 3"]
    status, lines = output(folder / "build" / "classify_wav", str(folder / "README.md"))
    assert (status, lines) == (1, [])


@pytest.mark.process
@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell")
def test_the_tested_commits_are_fetched_and_those_of_cortex_m_where_they_are_wanted(
    project: Project, tmp_path: Path
) -> None:
    write_project(tmp_path, project)
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    git.chmod(0o755)
    for words, names in {("tflm",): 4, ("tflm", "cortex-m"): 7}.items():
        done = subprocess.run(
            ["sh", "get_tflm.sh", *words],
            cwd=tmp_path,
            env={"PATH": f"{git.parent}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        fetched = [line.split()[-2:] for line in done.stdout.splitlines() if " fetch " in line]
        assert [commit for _, commit in fetched] == list(TESTED.values())[:names]
        assert all(url.startswith("https://github.com/") for url, _ in fetched)


def test_only_the_needed_operators_are_added(project: Project, tmp_path: Path) -> None:
    write_project(tmp_path, project)
    source = (tmp_path / "src" / "network.cc").read_text(encoding="utf-8")
    methods = [str(use.method) for use in operator_uses(project.flatbuffer)]
    assert f"MicroMutableOpResolver<{len(methods)}>" in source
    assert all(source.count(f"resolver.{method}()") == 1 for method in methods)
    assert source.count("resolver.Add") == len(methods)


@pytest.mark.parametrize(
    ("ref", "words"),
    [(1.0, "`features.top_db=null` or"), ("max", "`features.top_db=null features.ref=1` or")],
)
def test_the_readme_says_how_a_model_needs_one_frame_at_a_time(
    project: Project, tmp_path: Path, ref: Any, words: str
) -> None:
    features = replace(project.features, ref=ref)  # type: ignore[call-arg]
    write_project(tmp_path, replace(project, features=features))
    assert words in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_the_page_for_an_afternoon_builds_as_the_readme_says(
    project: Project, tmp_path: Path
) -> None:
    write_project(tmp_path, project)
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    said = re.sub(r"\\\n\s*", "", readme)
    lines = re.findall(r"^    ((?:cmake|sh) .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    # What hears a song of one's own is in the README without the emulator.
    steps = [step for line in lines for step in line.split(" && ") if "song.wav" not in step]
    assert len(steps) == 8
    assert [step for step in steps if step not in said] == []


def test_golden_vectors_leave_room_for_the_network(project: Project, tmp_path: Path) -> None:
    size = project.inputs[0][0].nbytes
    many = 2 * 131_072 // size
    inputs = (np.repeat(project.inputs[0][:1], many, axis=0),)
    write_project(tmp_path, replace(project, inputs=inputs, outputs=np.zeros((many, 4), np.int8)))
    header = (tmp_path / "test" / "golden.h").read_text(encoding="utf-8")
    assert f"kGoldenCount = {131_072 // size};" in header


def test_what_micro_lacks_is_named_instead_of_written(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"not for TensorFlow Lite Micro: GELU \(x1\)"):
        write_project(tmp_path, replace(project, flatbuffer=one_operator("GELU")))
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_no_microcontroller_holds_is_refused(
    project: Project, tmp_path: Path
) -> None:
    large = project.flatbuffer + bytes(LARGEST_NETWORK)
    with pytest.raises(ExportError, match="at most 4,000,000 bytes, received 4,"):
        write_project(tmp_path, replace(project, flatbuffer=large))


# Output and plan of its transform of 2048 samples; best_small took 20,800 bytes instead of 12,592.
CMSIS_DSP = 4 * 2048 + 16


def front_end(name: str, length: float = 3.0, **changes: Any) -> int | None:
    """Return the bytes of the front end of shipped settings with changes."""
    rule = SegmentRule(**{**conf_values("segment/3s"), "length": length})
    spec = select(FEATURES, {**conf_values(f"features/{name}"), **changes})
    return front_end_bytes(spec, rule)


def test_the_front_end_keeps_what_was_measured_on_an_emulated_cortex_m4() -> None:
    assert front_end("mfcc") == 78_896 + CMSIS_DSP
    small: dict[str, Any] = {"sample_rate": 16_000, "n_fft": 512, "n_mels": 40, "top_db": None}
    assert front_end("mel", **small) == 3_280 + 4 * 512 + 16


def test_bands_that_wait_for_the_end_of_a_long_segment_are_counted() -> None:
    assert front_end("mfcc", 10.0) == 220_672 + 2048 * 6 + 48 + CMSIS_DSP
    assert front_end("mfcc", 10.0, top_db=None) == 128 * 4 + 2048 * 6 + 48 + CMSIS_DSP


def test_features_that_no_device_computes_have_no_front_end() -> None:
    assert front_end("mel_image") is None
    assert front_end("mel", n_fft=1000) is None


def test_arenas_are_whole_kibibytes_with_some_to_spare() -> None:
    assert [arena_kib(size) for size in (1, 1024, 1025, 22_352)] == [2, 2, 3, 23]


def _cmake(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["cmake", *words], cwd=folder, capture_output=True, text=True, check=False
    )


def _run(project: Project, folder: Path, *flags: str) -> tuple[int, list[str]]:
    write_project(folder, project)
    write_stand_ins(folder, [str(use.method) for use in operator_uses(project.flatbuffer)])
    return output(build(folder, GOLDEN_TEST, *flags))
