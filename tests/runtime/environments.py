"""Environments that hold a few distributions and nothing else, made without a network."""

from __future__ import annotations

import os
import subprocess
import tomllib
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
OLD_RUNTIME = ROOT / ".venv-tflite-runtime"


@dataclass(frozen=True)
class Environment:
    """A Python of its own."""

    python: Path
    extra_path: str = ""

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments; nothing of the tests' own environment is seen."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [str(self.python), *map(str, words)],
            cwd=self.python.parents[1],
            env={**kept, "PYTHONNOUSERSITE": "1", "PYTHONPATH": self.extra_path},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


def base_requirements(*extras: str) -> set[str]:
    """Return what the project file says that genrecls and some of its extras need here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    wanted = [Requirement(line) for line in lines]
    return {each.name for each in wanted if each.marker is None or each.marker.evaluate()}


def bare(folder: Path, names: Iterable[str], *, with_genrecls: bool = False) -> Environment:
    """Make an environment of the distributions `names` and whatever those need.

    Their files are links to those of this environment.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in closure(names):
        _link(name, packages)
    if with_genrecls:
        (packages / "genrecls").symlink_to(ROOT / "src" / "genrecls")
    return Environment(folder / "bin" / "python")


def closure(names: Iterable[str]) -> set[str]:
    """Return distributions and all that they need here, without optional extras."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        needed = map(Requirement, distribution(name).requires or ())
        waiting |= {one.name for one in needed if _applies(one)} - found
    return found


def _applies(requirement: Requirement) -> bool:
    marker: Any = requirement.marker
    return marker is None or bool(marker.evaluate({"extra": ""}))


def _link(name: str, packages: Path) -> None:
    for file in distribution(name).files or ():
        inside = ".." not in file.parts and "__pycache__" not in file.parts
        source = Path(str(file.locate()))
        if inside and source.is_file():
            (packages / file).parent.mkdir(parents=True, exist_ok=True)
            (packages / file).symlink_to(source)
