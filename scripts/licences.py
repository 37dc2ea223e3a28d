"""List the packages that an installation of genrecls consists of, each with its licence.

    python scripts/licences.py                     # [train], as installed here
    python scripts/licences.py litert mlflow       # those of other extras

What is not installed is named at the end: its licence is not known here.
"""

from __future__ import annotations

import argparse
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def main() -> int:
    """Print a line a package."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("extras", nargs="*", default=["train"], help="extras of genrecls (train)")
    found, absent = closure(Requirement(f"genrecls[{','.join(parser.parse_args().extras)}]"))
    for name in sorted(found):
        print(f"{name:32} {found[name].version:16} {licence(found[name])}")
    if absent:
        print(f"\nnot installed: {', '.join(sorted(absent))}")
    return 0


def closure(root: Requirement) -> tuple[dict[str, metadata.Distribution], set[str]]:
    """Return all packages that a requirement leads to, by name, and the names of absent ones.

    The requirements of genrecls itself are those of this checkout.
    """
    found: dict[str, metadata.Distribution] = {}
    absent: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(root.name, extra) for extra in ("", *root.extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        if name == "genrecls":
            requirements = own_requirements(extra)
        else:
            try:
                found[name] = metadata.distribution(name)
            except metadata.PackageNotFoundError:
                absent.add(name)
                continue
            requirements = found[name].requires or []
        for requirement in map(Requirement, requirements):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                needed = canonicalize_name(requirement.name)
                waiting += [(needed, asked) for asked in ("", *requirement.extras)]
    return found, absent


def own_requirements(extra: str) -> list[str]:
    """Return what genrecls, or one of its extras, asks for."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    asked: list[str] = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return asked


def licence(package: metadata.Distribution) -> str:
    """Return what a package says of its licence, in one line."""
    said = {
        key: package.metadata.get_all(key) or []
        for key in ("License-Expression", "Classifier", "License")
    }
    if said["License-Expression"]:
        return str(said["License-Expression"][0])
    kinds = [line.split(" :: ")[-1] for line in said["Classifier"] if line.startswith("License ::")]
    stated = "".join(said["License"]).strip().partition("\n")[0]
    return ", ".join(kinds) or stated or "says nothing; see its files"


if __name__ == "__main__":
    raise SystemExit(main())
