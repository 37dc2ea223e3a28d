"""The C++ project of the bundle: complete, free of warnings, and able to say no."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genrecls.errors import ExportError
from genrecls.export.bundle.c_project import Project, arena_kib, write_project
from genrecls.export.formats import ExportFormat
from genrecls.export.tflite.operators import operator_uses
from genrecls.export.verify.micro import LARGEST_NETWORK
from genrecls.runtime.network import Network
from tests.export.compiled import COMPILER, build, output, write_stand_ins
from tests.export.conftest import Make
from tests.export.one_operator import one_operator

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")
SOURCES = ("main.cc", "model.cc", "tables.cc", "golden.cc")


@pytest.fixture
def project(make: Make) -> Project:
    made = make("crnn")
    flatbuffer = made.flatbuffer(ExportFormat("features", "int8"))
    network, card = Network(flatbuffer), made.tiny.card
    inputs = {"mfcc": made.tiny.inputs["mfcc"][:4]}
    return Project(
        title="crnn, features int8",
        flatbuffer=flatbuffer,
        labels=card.labels,
        features=card.features,
        segment=card.segment,
        inputs=(network.quantised("mfcc", inputs["mfcc"]),),
        outputs=network.raw_outputs(inputs),
        arena_bytes=9000,
        measured=True,
    )


def test_all_files_are_written(project: Project, tmp_path: Path) -> None:
    paths = write_project(tmp_path, project)
    assert {path.name for path in paths} == {
        *SOURCES,
        *("model.h", "tables.h", "golden.h", "CMakeLists.txt", "README.md"),
    }
    assert all(path.is_file() and path.read_text(encoding="utf-8").strip() for path in paths)
    assert all("{{" not in path.read_text(encoding="utf-8") for path in paths)


@pytest.mark.process
@needs_compiler
def test_golden_answers_pass_and_two_steps_are_forgiven(project: Project, tmp_path: Path) -> None:
    for error in (0, 2):
        status, lines = _run(project, tmp_path, f"-DSTUB_ERROR={error}")
        assert status == 0
        assert lines[-1] == "0 of 4 examples wrong"
        genres = [project.labels[index] for index in project.outputs.argmax(axis=1)]
        assert lines[1:-1] == [f"example {i}: {g}, as expected" for i, g in enumerate(genres)]


@pytest.mark.process
@needs_compiler
def test_other_answers_fail(project: Project, tmp_path: Path) -> None:
    status, lines = _run(project, tmp_path, "-DSTUB_ERROR=3")
    assert status == 1
    assert lines[-1] == "4 of 4 examples wrong"


@pytest.mark.process
@needs_compiler
def test_the_arena_is_the_reported_one_and_a_little_more(project: Project, tmp_path: Path) -> None:
    status, lines = _run(project, tmp_path, "-DSTUB_ARENA=9000")
    assert (status, lines[0]) == (0, "arena: 9000 of 10240 bytes")
    status, lines = _run(project, tmp_path, "-DSTUB_ARENA=20000")
    assert (status, lines) == (1, ["arena: 10240 bytes are not enough"])


@pytest.mark.process
@needs_compiler
def test_float_networks_have_a_project_as_well(
    make: Make, project: Project, tmp_path: Path
) -> None:
    made = make("crnn")
    changed = replace(
        project,
        flatbuffer=made.flatbuffer(ExportFormat("features", "float32")),
        inputs=(made.tiny.inputs["mfcc"][:2],),
        outputs=made.tiny.answers[:2].astype(np.float32),
    )
    status, lines = _run(changed, tmp_path)
    assert (status, lines[-1]) == (0, "0 of 2 examples wrong")


@pytest.mark.process
@needs_compiler
@pytest.mark.skipif(shutil.which("cmake") is None, reason="no CMake")
def test_cmake_builds_and_runs_it_with_a_tree_of_tensorflow_lite_micro(
    project: Project, tmp_path: Path
) -> None:
    folder, tree = tmp_path / "micro", tmp_path / "tflm"
    write_project(folder, project)
    write_stand_ins(tree, [str(use.method) for use in operator_uses(project.flatbuffer)])
    (tree / "tensorflow" / "lite" / "nothing.cc").write_text("", encoding="utf-8")
    flags = f"-DCMAKE_CXX_FLAGS=-I{folder}"
    refused = _cmake("-B", "build", "-DTFLITE_MICRO_DIR=nowhere", folder=folder)
    assert refused.returncode == 1
    assert "expected a tree made by create_tflm_tree.py" in refused.stderr
    assert _cmake("-B", "build", f"-DTFLITE_MICRO_DIR={tree}", flags, folder=folder).returncode == 0
    built = _cmake("--build", "build", folder=folder)
    assert built.returncode == 0, built.stderr
    assert output(folder / "build" / "golden_test")[1][-1] == "0 of 4 examples wrong"


def test_only_the_needed_operators_are_added(project: Project, tmp_path: Path) -> None:
    write_project(tmp_path, project)
    source = (tmp_path / "main.cc").read_text(encoding="utf-8")
    methods = [str(use.method) for use in operator_uses(project.flatbuffer)]
    assert f"MicroMutableOpResolver<{len(methods)}>" in source
    assert all(source.count(f"resolver.{method}()") == 1 for method in methods)
    assert source.count("resolver.Add") == len(methods)


def test_golden_vectors_leave_room_for_the_network(project: Project, tmp_path: Path) -> None:
    size = project.inputs[0][0].nbytes
    many = 2 * 65_536 // size
    inputs = (np.repeat(project.inputs[0][:1], many, axis=0),)
    write_project(tmp_path, replace(project, inputs=inputs, outputs=np.zeros((many, 4), np.int8)))
    header = (tmp_path / "golden.h").read_text(encoding="utf-8")
    assert f"kGoldenCount = {65_536 // size};" in header


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


def test_arenas_are_whole_kibibytes_with_some_to_spare() -> None:
    assert [arena_kib(size) for size in (1, 1024, 1025, 22_352)] == [2, 2, 3, 23]


def _cmake(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["cmake", *words], cwd=folder, capture_output=True, text=True, check=False
    )


def _run(project: Project, folder: Path, *flags: str) -> tuple[int, list[str]]:
    write_project(folder, project)
    write_stand_ins(folder, [str(use.method) for use in operator_uses(project.flatbuffer)])
    return output(build(folder, SOURCES, *flags))
