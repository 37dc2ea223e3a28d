"""Build wheel and sdist, and try the wheel in new environments of several Pythons.

    python scripts/check_wheel.py python3.11 python3.12 python3.13

Each environment gets `genrecls[litert]` alone, as a device that only classifies does: the program
must help and answer a song, `import genrecls` must be quick, and no TensorFlow may come with it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
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


def main() -> None:
    """Build, try each Python, and end with status 1 where something is not as it must be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pythons", nargs="*", default=[sys.executable], metavar="PYTHON")
    with tempfile.TemporaryDirectory(prefix="genrecls-wheel-") as name:
        folder = Path(name)
        _run(sys.executable, "-m", "build", "--outdir", folder, ROOT, folder=folder)
        built = sorted(folder.glob("genrecls-*"))
        for file in built:
            print(f"{file.name}  {file.stat().st_size:,} bytes")
        (wheel,) = folder.glob("*.whl")
        faults = [
            fault
            for number, python in enumerate(parser.parse_args().pythons)
            for fault in try_wheel(wheel, python, folder / str(number))
        ]
    if faults:
        sys.exit("\n".join(faults))


def try_wheel(wheel: Path, python: str, folder: Path) -> list[str]:
    """Install a wheel for a Python into a new environment, print a line, and return what is wrong.

    Args:
        wheel: the file.
        python: the interpreter.
        folder: where the environment goes.
    """
    _run(python, "-m", "venv", folder / "env", folder=ROOT)
    own = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    _run(own / "python", "-m", "pip", "install", "--quiet", f"{wheel}[litert]", folder=folder)
    listed = _run(own / "python", "-m", "pip", "list", "--format=freeze", folder=folder)
    packages = {line.partition("==")[0].lower() for line in listed.splitlines()}
    imports = [float(_run(own / "python", "-c", _IMPORT, folder=folder)) for _ in range(_TIMES)]
    version = _run(own / "python", "--version", folder=folder).strip()
    helped = _run(own / "genrecls", "--help", folder=folder)
    _run(own / "python", "-c", _SONG, folder=folder)
    answer = _run(own / "genrecls", "predict", "song.wav", "--format", "csv", folder=folder)
    print(
        f"{version}: {len(packages)} packages, import genrecls {min(imports):.3f} s, "
        f"predict {answer.splitlines()[-1].strip()!r}"
    )
    faults = []
    if foreign := packages & _FOREIGN:
        faults.append(f"{version}: [litert] brings {', '.join(sorted(foreign))}")
    if min(imports) > SLOWEST_IMPORT:
        faults.append(f"{version}: import genrecls takes {min(imports):.3f} s")
    if "usage: genrecls" not in helped:
        faults.append(f"{version}: genrecls --help does not help")
    return faults


def _run(*command: str | Path, folder: Path) -> str:
    """Return what a command prints; one that fails ends the program with what it said."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
