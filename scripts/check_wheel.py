"""Build wheel and sdist, and try both in new environments of several Pythons.

    python scripts/check_wheel.py python3.11 python3.12 python3.13
    python scripts/check_wheel.py --only device --only uvx python3.12

`twine check --strict` must have nothing to say about either file. Then, for each Python:

device  `genrecls[litert]` alone, as a device that only classifies has it: the program must help and
        answer a song, `import genrecls` must be quick, and no TensorFlow may come with it.
uvx     what the README begins with: `uvx --from 'genrecls[train]'` trains, and
        `uvx --from 'genrecls[litert]'` answers a song.
pipx    `pipx install 'genrecls[train]'` gives a command that trains; `pipx run` answers a song.
sdist   it installs with the extra `dev` and passes its fast tests there.

A Python is a command or a path. build, twine, uv and pipx are installed into a temporary folder,
and so is all that they install: some 3 GB at once, from the index that pip and uv are set to.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SLOWEST_IMPORT = 0.1
"""Seconds that `import genrecls` may take."""

_FOREIGN = {"tensorflow", "tensorflow-cpu", "keras", "librosa", "matplotlib", "scikit-learn"}
_TIMES = 7
# Of the processor: on a busy machine, those of the clock say how busy it is.
_IMPORT = (
    "import time; begun = time.process_time(); import genrecls; print(time.process_time() - begun)"
)
_SONG = (
    "import numpy as np, soundfile; "
    "soundfile.write('song.wav', np.random.default_rng(0).normal(0, 0.1, 22050 * 6), 22050)"
)
_TRAIN = ("genrecls", "train", "debug=smoke")
_PREDICT = ("genrecls", "predict", "song.wav", "--format", "csv")


@dataclass(frozen=True)
class Built:
    """What is tried, and with what.

    Attributes:
        wheel: the file.
        sdist: the file.
        song: a file that can be answered.
        tools: folder of the programs twine, uvx and pipx.
    """

    wheel: Path
    sdist: Path
    song: Path
    tools: Path


def main() -> None:
    """Build, try each Python, and end with status 1 where something is not as it must be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pythons", nargs="*", default=[sys.executable], metavar="PYTHON")
    parser.add_argument("--only", action="append", choices=PARTS, help="may be given again")
    options = parser.parse_args()
    for python in options.pythons:
        if shutil.which(python) is None:
            parser.error(f"expected a command or the path of a Python, received {python}")
    with tempfile.TemporaryDirectory(prefix="genrecls-wheel-") as name:
        built = build(Path(name))
        for python in options.pythons:
            version = _run(python, "--version", folder=built.tools).strip()
            for part in options.only or PARTS:
                with tempfile.TemporaryDirectory(prefix=f"{part}-", dir=name) as place:
                    print(f"{version}, {part}: {PARTS[part](built, python, Path(place))}")


def build(folder: Path) -> Built:
    """Return a wheel and an sdist that twine has nothing to say about."""
    tools = _environment(sys.executable, folder / "tools", "build", "twine", "uv", "pipx")
    _run(tools / "python", "-m", "build", "--outdir", folder / "dist", ROOT, folder=folder)
    (wheel,), (sdist,) = (list((folder / "dist").glob(end)) for end in ("*.whl", "*.tar.gz"))
    for file in (wheel, sdist):
        print(f"{file.name}: {file.stat().st_size:,} bytes")
    print(_run(tools / "twine", "check", "--strict", wheel, sdist, folder=folder).strip())
    maker = _environment(sys.executable, folder / "maker", "numpy", "soundfile")
    _run(maker / "python", "-c", _SONG, folder=folder)
    return Built(wheel, sdist, folder / "song.wav", tools)


def try_device(built: Built, python: str, folder: Path) -> str:
    """Hold `genrecls[litert]` alone to what a device needs."""
    own = _environment(python, folder / "env", f"{built.wheel}[litert]")
    listed = _run(own / "python", "-m", "pip", "list", "--format=freeze", folder=folder)
    packages = {line.partition("==")[0].lower() for line in listed.splitlines()}
    if foreign := packages & _FOREIGN:
        sys.exit(f"{python}: [litert] brings {', '.join(sorted(foreign))}")
    seconds = min(float(_run(own / "python", "-c", _IMPORT, folder=folder)) for _ in range(_TIMES))
    if seconds > SLOWEST_IMPORT:
        sys.exit(f"{python}: import genrecls takes {seconds:.3f} s")
    if "usage: genrecls" not in _run(own / "genrecls", "--help", folder=folder):
        sys.exit(f"{python}: genrecls --help does not help")
    answer = _answer(built, own / _PREDICT[0], *_PREDICT[1:], folder=folder)
    return f"{len(packages)} packages, import genrecls {seconds:.3f} s; {answer}"


def try_uvx(built: Built, python: str, folder: Path) -> str:
    """Train and answer with `uvx`, which installs nothing for good."""
    uvx = (built.tools / "uvx", "--no-cache", "--python", python, "--from")
    trained = _trained(*uvx, f"{built.wheel}[train]", *_TRAIN, folder=folder)
    return f"{trained}; {_answer(built, *uvx, f'{built.wheel}[litert]', *_PREDICT, folder=folder)}"


def try_pipx(built: Built, python: str, folder: Path) -> str:
    """Train with what `pipx install` has installed, and answer with `pipx run`."""
    pipx, chosen = built.tools / "pipx", ("--python", python)
    places = {"PIPX_HOME": str(folder / "pipx"), "PIPX_BIN_DIR": str(folder / "bin")}
    _run(pipx, "install", *chosen, f"{built.wheel}[train]", folder=folder, **places)
    trained = _trained(folder / "bin" / _TRAIN[0], *_TRAIN[1:], folder=folder)
    run = (pipx, "run", *chosen, "--spec", f"{built.wheel}[litert]")
    return f"{trained}; {_answer(built, *run, *_PREDICT, folder=folder, **places)}"


def try_sdist(built: Built, python: str, folder: Path) -> str:
    """Install the sdist, and run the tests that it carries and that are fast."""
    with tarfile.open(built.sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    own = _environment(python, folder / "env", f"{source}[dev]", "-c", source / "constraints.txt")
    chosen = ("-n", "auto", "--dist", "worksteal", "-m", "not tensorflow and not process")
    return _run(own / "python", "-m", "pytest", "-q", *chosen, folder=source).splitlines()[-1]


PARTS: Mapping[str, Callable[[Built, str, Path], str]] = {
    "device": try_device,
    "uvx": try_uvx,
    "pipx": try_pipx,
    "sdist": try_sdist,
}
"""Each tries what was built with a Python in an empty folder, and returns what to print."""


def _environment(python: str, folder: Path, *packages: str | Path) -> Path:
    """Install packages into a new environment, and return the folder of its programs."""
    _run(python, "-m", "venv", folder, folder=folder.parent)
    own = folder / ("Scripts" if sys.platform == "win32" else "bin")
    _run(own / "python", "-m", "pip", "install", "--quiet", *packages, folder=folder.parent)
    return own


def _trained(*command: str | Path, folder: Path) -> str:
    """Run a training, and return that it has a report."""
    said = _run(*command, folder=folder)
    if not (folder / "outputs" / "latest" / "report.html").is_file():
        sys.exit(f"{' '.join(map(str, command))} wrote no report\n{said}")
    return "a training has a report"


def _answer(built: Built, *command: str | Path, folder: Path, **variables: str) -> str:
    """Return the answer to the song in the folder."""
    shutil.copy(built.song, folder)
    return repr(_run(*command, folder=folder, **variables).splitlines()[-1].strip())


def _run(*command: str | Path, folder: Path, **variables: str) -> str:
    """Return what a command prints; one that fails ends the program with what it said.

    `variables` are added to those of the environment, of which the sources are no part.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
