from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import genrecls
from genrecls.export.bundle.standalone import write
from tests.runtime.handmade import exported_file
from tests.runtime.packed import song


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("program"))


def test_it_holds_the_sources_of_genrecls_as_they_are(program: Path) -> None:
    package = Path(genrecls.__file__).parent
    with zipfile.ZipFile(program) as archive:
        assert archive.testzip() is None
        sources = {name: archive.read(name).decode() for name in archive.namelist()}
    assert f"Made by genrecls {genrecls.__version__}" in sources.pop("__main__.py")
    assert f'__version__ = "{genrecls.__version__}"' in sources.pop("genrecls/__init__.py")
    for name, source in sources.items():
        assert source == (package.parent / name).read_text(encoding="utf-8")
    rooms = {name.split("/")[1] for name in sources}
    assert rooms == {"errors.py", "safe_text.py", "dsp", "runtime"}
    assert {"genrecls/dsp/mel.py", "genrecls/runtime/command.py"} < set(sources)


def test_the_same_version_writes_the_same_bytes(program: Path, tmp_path: Path) -> None:
    assert write(tmp_path).read_bytes() == program.read_bytes()


def test_the_program_imports_nothing_but_what_a_device_has(program: Path) -> None:
    imported, own = set(), set()
    with zipfile.ZipFile(program) as archive:
        for name in archive.namelist():
            for node in ast.walk(ast.parse(archive.read(name))):
                modules: list[str] = []
                if isinstance(node, ast.ImportFrom):
                    modules = [node.module or ""]
                elif isinstance(node, ast.Import):
                    modules = [alias.name for alias in node.names]
                imported |= {module.split(".")[0] for module in modules}
                own |= {module for module in modules if module.startswith("genrecls")}
        inside = {name.removesuffix(".py").replace("/", ".") for name in archive.namelist()}
    others = imported - set(sys.stdlib_module_names)
    # PyAV and sounddevice where they are installed, and where a file or a microphone needs them.
    optional = {"av", "sounddevice"}
    assert others <= {"genrecls", "numpy", "soundfile", "soxr", "rich", *optional}
    assert own <= inside


@pytest.mark.process
def test_the_program_helps_and_complains_in_one_line(program: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        # Without the environment of the tests, whose genrecls could be taken for its own.
        command = [sys.executable, "-I", str(program), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)

    helped = run("--help")
    assert helped.returncode == 0
    assert "--live [SOURCE]" in helped.stdout
    for words, reason in {
        (): "expected audio files or --live",
        ("a.wav",): f"{program.parent}: no .tflite file in it; name one with --model",
        ("--model", "absent.tflite", "a.wav"): "absent.tflite: no such model file",
        ("--fromat", "json"): "unrecognized arguments: --fromat",
        ("--smooth", "2", "a.wav"): "--smooth: it needs --live",
    }.items():
        refused = run(*words)
        assert refused.returncode == 1
        (line,) = refused.stderr.splitlines()
        assert line.startswith("classify.pyz: error: ")
        assert reason in line


@pytest.mark.process
@pytest.mark.parametrize("package", ["numpy", "soundfile"])
def test_a_package_that_is_absent_is_one_line_with_what_to_install(
    package: str, program: Path, tmp_path: Path
) -> None:
    heard = song(tmp_path / "song.wav", 1.0)
    model = exported_file(tmp_path / "model.tflite")
    absent = f"import runpy, sys; sys.modules[{package!r}] = None; sys.argv = sys.argv[1:]; "
    start = "runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-I", "-c", absent + start, str(program), str(model), str(heard)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 1
    assert done.stderr == (
        f"classify.pyz: error: the package {package} is not installed; this program needs NumPy, "
        "soundfile and a TFLite runtime: pip install numpy soundfile ai-edge-litert\n"
    )
