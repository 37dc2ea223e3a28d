"""What a test does without a word fails it."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests import tiers

NOTHING: frozenset[str] = frozenset()


@pytest.mark.parametrize("name", ["tensorflow", "keras", "keras.layers"])
def test_an_import_of_tensorflow_needs_the_marker(name: str) -> None:
    with (
        tiers.permitting(NOTHING),
        pytest.raises(pytest.fail.Exception, match=f"{name} without the marker 'tensorflow'"),
    ):
        __import__(name)


def test_a_process_needs_the_marker() -> None:
    with tiers.permitting(NOTHING):
        with pytest.raises(pytest.fail.Exception, match="without the marker 'process'"):
            subprocess.run([sys.executable, "-c", ""], check=False)
        with pytest.raises(pytest.fail.Exception, match="without the marker 'process'"):
            multiprocessing.get_context("spawn").Process(target=print).start()
        with pytest.raises(pytest.fail.Exception, match="without the marker 'process'"):
            os.fork()


def test_what_is_only_asked_about_this_machine_is_no_such_process() -> None:
    with tiers.permitting(NOTHING):
        assert subprocess.run(["uname"], capture_output=True, check=False).stdout


@pytest.mark.process
def test_the_marker_permits_it() -> None:
    assert subprocess.run([sys.executable, "-c", ""], check=False).returncode == 0


def test_a_test_that_requests_the_fixture_has_the_marker(request: pytest.FixtureRequest) -> None:
    assert tiers.permissions(request.node) == NOTHING
    assert tiers.fixture_permissions("outer", _definitions()) == {"process"}
    assert tiers.fixture_permissions("tensorflow", _definitions()) == {"tensorflow"}
    assert tiers.fixture_permissions("plain", _definitions()) == NOTHING


def _definitions() -> dict[str, list[SimpleNamespace]]:
    arguments = {"outer": ("inner", "plain"), "inner": ("process",), "plain": (), "process": ()}
    return {name: [SimpleNamespace(argnames=names)] for name, names in arguments.items()}


def test_files_that_start_processes_come_first_and_stay_together() -> None:
    def item(name: str, *markers: str) -> Any:
        found = dict.fromkeys(markers, True)
        return SimpleNamespace(path=name[0], name=name, get_closest_marker=found.get)

    items = [item("a1"), item("b1", "tensorflow"), item("c1"), item("c2", "process"), item("d1")]
    tiers.processes_first(items)
    assert [each.name for each in items] == ["c1", "c2", "a1", "b1", "d1"]


def test_the_watched_import_is_otherwise_the_plain_one() -> None:
    assert importlib.import_module("json") is sys.modules["json"]
    assert __import__("os.path") is os
