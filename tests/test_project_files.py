"""What stands around the code: licence, citation, changelog, templates and workflows."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

import genrecls

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PYTHONS = [
    line.rpartition(" ")[2]
    for line in PROJECT["project"]["classifiers"]
    if line.startswith("Programming Language :: Python :: 3.")
]


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs() -> list[Any]:
    return [job for path in WORKFLOWS for job in read_yaml(path)["jobs"].values()]


@pytest.fixture(scope="module")
def licences() -> Any:
    """The script that anyone can run, as a module."""
    spec = importlib.util.spec_from_file_location("licences", ROOT / "scripts" / "licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_citation_and_changelog_name_this_version() -> None:
    citation = read_yaml(ROOT / "CITATION.cff")
    assert citation["version"] == genrecls.__version__
    assert citation["license"] == PROJECT["project"]["license"]
    newest = re.search(r"^## (\S+) \(", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert newest is not None
    assert newest[1] == genrecls.__version__


def test_workflows_test_every_python_that_may_be_used() -> None:
    matrices = [job["strategy"]["matrix"] for job in jobs() if "strategy" in job]
    assert len(matrices) >= 2
    assert [matrix["python"] for matrix in matrices] == [PYTHONS] * len(matrices)


def test_workflows_may_write_only_where_they_publish() -> None:
    assert all(read_yaml(path)["permissions"] == {"contents": "read"} for path in WORKFLOWS)
    asking = [job for job in jobs() if "permissions" in job]
    assert all("environment" in job for job in asking)


def test_forms_of_issues_ask_for_what_is_needed() -> None:
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
    assert len(forms) == 3
    for form in map(read_yaml, forms):
        assert {"name", "description", "body"} <= set(form)
        assert any(part.get("validations", {}).get("required") for part in form["body"])


def test_hooks_run_tools_that_the_set_up_installs() -> None:
    hooks = read_yaml(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    named = {Path(hook["entry"].split()[0]).name for hook in hooks}
    assert named <= {"ruff", "lint-imports", "mypy", "python"}


def test_every_file_of_the_checkout_travels_in_the_sdist() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    # What hatchling always adds.
    included = [*included, "LICENSE", "pyproject.toml", ".gitignore"]
    for path in filter(None, listed):
        top = path.partition("/")[0]
        assert {top, path} & set(included) or ("/*.md" in included and top.endswith(".md")), path


def test_a_device_installs_no_tensorflow(licences: Any) -> None:
    found, absent = licences.closure(Requirement("genrecls[litert]"))
    names = {*found, *absent}
    assert {"numpy", "soundfile", "ai-edge-litert"} <= names
    assert not {name for name in names if name.startswith(("tensorflow", "keras"))}


def test_no_extra_brings_two_builds_of_tensorflow(licences: Any) -> None:
    def builds(extra: str) -> set[str]:
        found, absent = licences.closure(Requirement(f"genrecls[{extra}]"))
        return {*found, *absent} & {"tensorflow", "tensorflow-cpu"}

    assert {len(builds(extra)) for extra in ("train", "gpu", "all", "dev")} == {1}


def test_all_is_every_extra_but_replacements_and_those_of_developers() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    (everything,) = (Requirement(line).extras for line in extras["all"])
    # `train` brings these.
    assert everything | {"all", "experiments", "litert"} | {
        "gpu",
        "tflite-runtime",
        "dev",
        "docs",
    } == set(extras)


def test_an_image_copies_what_its_build_needs_and_runs_as_nobody_special() -> None:
    recipe = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    copied = [
        word for line in re.findall(r"^COPY (?!--)(.*) \S+$", recipe, re.M) for word in line.split()
    ]
    assert copied
    assert all(f"!{path}" in sent and (ROOT / path).exists() for path in copied)
    assert re.search(r"^USER [1-9]\d*$", recipe, re.M)


def test_the_licence_of_every_package_is_listed(licences: Any) -> None:
    found, _ = licences.closure(Requirement("genrecls[train]"))
    assert licences.licence(found["soxr"]).startswith("GNU Lesser")
    assert licences.licence(found["numpy"]).startswith("BSD")
