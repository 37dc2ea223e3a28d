"""The wheel alone, in an environment of its own, from a folder without any of the sources."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Without the sources that a developer's shell may name.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, process: None) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, timeout=600)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory, process: None) -> Path:
    """Install the wheel; the dependencies come from the environment of the tests.

    A line of a `.pth` file adds their folder without the editable genrecls that is in it.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True, timeout=600)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "bin" / "genrecls"


def run(program: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program), *words],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_the_wheel_carries_the_configuration_and_the_templates(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    files = (path for path in (ROOT / "conf").rglob("*") if path.is_file())
    conf = {f"genrecls/{path.relative_to(ROOT)}" for path in files}
    assert conf <= names
    assert {
        "genrecls/reports/templates/run.html.j2",
        "genrecls/reports/templates/page.css",
        "genrecls/datasets/gtzan_partitions.json",
        "genrecls/export/bundle/templates/card.md.j2",
        "genrecls/export/bundle/templates/c/src/front_end.cc.j2",
        "genrecls/export/tflite/micro_operators.txt",
        "genrecls/shipped/best_small.tflite",
        "genrecls/shipped/best_tiny_int8.tflite",
        "genrecls/shipped/best_small.json",
    } <= names


def test_the_wheel_says_its_licence_and_carries_it(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (about,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    described = archive.read(about).decode()
    assert "License-Expression: Apache-2.0\n" in described
    assert "Author: genrecls contributors\n" in described
    text = archive.read(about.replace("METADATA", "licenses/LICENSE")).decode()
    assert text == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_installed_program_is_the_wheel_and_not_the_sources(
    program: Path, tmp_path: Path
) -> None:
    where = "import genrecls, genrecls.config.paths as l; print(genrecls.__file__, l.conf_dir())"
    python = program.with_name("python")
    found = subprocess.run(
        [str(python), "-c", where],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert all(Path(path).is_relative_to(program.parents[1]) for path in found), found


def test_the_installed_program_helps_and_composes_from_any_folder(
    program: Path, tmp_path: Path
) -> None:
    assert "usage: genrecls" in run(program, tmp_path, "--help").stdout
    assert "two LSTM layers" in run(program, tmp_path, "train", "--help").stdout
    composed = run(program, tmp_path, "train", "model=rnn", "--cfg", "job")
    assert "name: rnn" in composed.stdout, composed.stderr


def test_the_installed_program_trains_from_any_folder(program: Path, tmp_path: Path) -> None:
    trained = run(program, tmp_path, "train", "debug=smoke")
    assert trained.returncode == 0, trained.stderr
    assert (tmp_path / "outputs" / "latest" / "report.html").is_file()
