"""What a test does without a word fails it."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import subprocess
import sys
from types import SimpleNamespace

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


def test_the_watched_import_is_otherwise_the_plain_one() -> None:
    assert importlib.import_module("json") is sys.modules["json"]
    assert __import__("os.path") is os
