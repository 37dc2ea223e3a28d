"""No version with a published hole is allowed, and what the tests are run with is allowed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

# The first version without the named holes. None is known in allowed versions of other packages.
SAFE = {
    # DNS rebinding and scripts in the dashboard.
    "distributed": ("2026.1.0", "CVE-2026-23528"),
    # A link put in place of a lock.
    "filelock": ("3.20.3", "CVE-2026-22701"),
    # Targets that evade the list of forbidden ones.
    "hydra-core": ("1.3.6", "GHSA-37p2"),
    # A way out of the sandbox.
    "jinja2": ("3.1.6", "CVE-2025-27516"),
    # Files outside the model (external storage), arrays of any shape, SavedModels in safe mode, and
    # archives that write outside their folder; 3.14.1 hardens the loading of models further.
    "keras": ("3.14.1", "CVE-2026-1669, CVE-2026-0897, CVE-2026-1462, GHSA-hqp4-2352-xf5r"),
    # Default credentials and missing authorisation.
    "mlflow-skinny": ("3.13.0", "CVE-2026-2635, CVE-2026-8147, CVE-2026-4137"),
    # Writing outside of memory, decompression bombs.
    "pillow": ("12.3.0", "CVE-2026-40192, CVE-2026-42308, CVE-2026-59197 to 59200"),
    # A predictable folder in /tmp.
    "pytest": ("9.0.3", "CVE-2025-71176"),
    # Jobs deleted by any web page.
    "ray": ("2.54.0", "CVE-2026-27482"),
    # A predictable file in the folder for temporary files.
    "requests": ("2.33.0", "CVE-2026-25645"),
    # Tokens of training data kept in a vectoriser.
    "scikit-learn": ("1.5.0", "CVE-2024-5206"),
    # Decompression bombs, headers sent on to other hosts.
    "urllib3": ("2.7.0", "CVE-2026-44431, CVE-2026-44432, CVE-2026-21441"),
}


def requirements() -> Iterator[Requirement]:
    """All requirements of pyproject.toml, those of extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = (project["dependencies"], *project["optional-dependencies"].values())
    for word in (word for group in groups for word in group):
        requirement = Requirement(word)
        if requirement.name != "genrecls":
            yield requirement


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    words = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in words}


def lower_bounds(specifier: SpecifierSet) -> list[str]:
    return [one.version for one in specifier if one.operator in {">=", "=="}]


@pytest.mark.parametrize("name", SAFE)
def test_no_version_with_a_published_hole_is_allowed(name: str) -> None:
    safe, advisories = SAFE[name]
    asking = [one for one in requirements() if canonicalize_name(one.name) == name]
    assert asking
    for requirement in asking:
        bounds = lower_bounds(requirement.specifier)
        below = SpecifierSet(f"<{safe}", prereleases=True)
        assert bounds, f"{requirement}: {advisories} are fixed in {safe}"
        assert not all(below.contains(bound) for bound in bounds), f"{requirement}: {advisories}"


def test_every_requirement_but_types_has_a_lower_bound() -> None:
    unbounded = [
        str(one)
        for one in requirements()
        if not lower_bounds(one.specifier)
        and not one.name.startswith("types-")
        # The old runtime needs NumPy 1; the project itself has the lower bound.
        and str(one) != "numpy<2"
    ]
    assert not unbounded


def test_what_the_tests_are_run_with_is_allowed_and_has_no_published_hole() -> None:
    pinned = pins()
    for requirement in requirements():
        version = pinned.get(canonicalize_name(requirement.name))
        if version is not None and str(requirement) != "numpy<2":
            assert requirement.specifier.contains(version, prereleases=True), str(requirement)
    for name, (safe, advisories) in SAFE.items():
        if name in pinned:
            fixed = SpecifierSet(f">={safe}", prereleases=True)
            assert fixed.contains(pinned[name]), f"{name}: {advisories}"


@pytest.mark.parametrize(
    ("machine", "extra", "asked"),
    [
        ("armv7l", "litert", {"filelock", "rich", "tflite-runtime"}),
        ("armv6l", "litert", {"filelock", "rich"}),
        ("aarch64", "litert", {"filelock", "numpy", "rich", "soundfile", "soxr", "ai-edge-litert"}),
    ],
)
def test_a_board_is_asked_for_what_has_wheels_there(
    machine: str, extra: str, asked: set[str]
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    words = [*project["dependencies"], *project["optional-dependencies"][extra]]
    board = {"platform_machine": machine, "python_version": "3.11"}
    needed = {
        one.name
        for one in map(Requirement, words)
        if one.marker is None or one.marker.evaluate(board)
    }
    assert needed == asked
