"""The shape of the code, held where it was brought to."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "structure.py"


@pytest.fixture(scope="module")
def structure() -> Any:
    """The script that anyone can run, as a module."""
    spec = importlib.util.spec_from_file_location("structure", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["structure"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def modules(structure: Any) -> Any:
    return structure.read_modules(SCRIPT.parents[1] / "src")


def test_no_module_leads_back_to_itself(structure: Any, modules: Any) -> None:
    assert structure.circles({name: module.imports for name, module in modules.items()}) == []


def test_few_helpers_are_called_once(modules: Any) -> None:
    functions = sum(len(module.functions) for module in modules.values())
    single = sum(len(module.single_use) for module in modules.values())
    assert single / functions < 0.15


def test_no_module_stands_outside_the_rooms_but_those_that_are_named(modules: Any) -> None:
    loose = {name for name in modules if "." not in name and f"{name}." not in str(list(modules))}
    lowest = {"console", "environment", "errors", "parallel", "rng", "safe_text"}
    assert loose == {"__main__", "api"} | lowest


def test_circles_are_found(structure: Any) -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert structure.circles(arrows) == [["a", "b", "c"]]
