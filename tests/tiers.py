"""The tiers of the suite: a test that imports TensorFlow or starts a process has to say so.

It says so with the marker `tensorflow` or `process`, or by requesting a fixture of that name,
directly or through another fixture; `make test-fast` leaves both out. A test that does either
without a word fails here, so no list of such tests has to be kept.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

MARKERS = ("tensorflow", "process")
_ASKED = {"git", "ldconfig", "lscpu", "uname"}
"""Programs that are only asked about this machine or this checkout, by us or by a library."""

_permitted: frozenset[str] | None = None
"""What the test or fixture that runs now may do; None between tests, where all is permitted."""


def mark(items: list[pytest.Item]) -> None:
    """Give the markers to the tests that request the fixtures of the same names."""
    for item in items:
        for name in MARKERS:
            if name in getattr(item, "fixturenames", ()) and not item.get_closest_marker(name):
                item.add_marker(name)


def processes_first(items: list[pytest.Item]) -> None:
    """Move the files with tests that start processes to the front; order within a file stays.

    Such tests wait, some of them for half a minute: were one the last, one of the two that run the
    tests would have nothing to do meanwhile.
    """
    waiting = {item.path for item in items if item.get_closest_marker("process")}
    items.sort(key=lambda item: item.path not in waiting)


@contextmanager
def permitting(names: frozenset[str]) -> Iterator[None]:
    """Fail whatever does during the block what is not among `names`."""
    global _permitted  # noqa: PLW0603 - an audit hook has no other way to know the test
    before, _permitted = _permitted, names
    try:
        yield
    finally:
        _permitted = before


def permissions(item: pytest.Item) -> frozenset[str]:
    """Return the markers of a test."""
    return frozenset(name for name in MARKERS if item.get_closest_marker(name))


def fixture_permissions(name: str, definitions: Mapping[str, Sequence[Any]]) -> frozenset[str]:
    """Return which markers a fixture hands on to every test that requests it.

    Args:
        name: name of the fixture.
        definitions: the definitions of all fixtures of a test, by name.
    """
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            for definition in definitions.get(current, ()):
                waiting.extend(definition.argnames)
    return frozenset(seen) & frozenset(MARKERS)


def watch() -> None:
    """Watch imports and the start of processes from now on, in this process."""
    sys.addaudithook(_audit)
    plain_start = BaseProcess.start

    def watched_start(self: BaseProcess) -> None:
        _require("process", "multiprocessing")
        plain_start(self)

    BaseProcess.start = watched_start  # type: ignore[method-assign]


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event == "import":
        _check_import(args[0])
    elif event == "subprocess.Popen":
        program = Path(str(args[0] or next(iter(args[1])))).name
        if program not in _ASKED:
            _require("process", f"start of {program}")
    elif event in {"os.fork", "os.forkpty", "os.posix_spawn", "os.system"}:
        _require("process", event)


def _check_import(name: str) -> None:
    if name.partition(".")[0] in {"tensorflow", "keras"}:
        _require("tensorflow", f"import of {name}")
        _watch_loaded()


@cache
def _watch_loaded() -> None:
    """Watch what imports TensorFlow though it is loaded, which is no audit event.

    Not before it is: every import of every module is then slower.
    """
    plain_import = builtins.__import__

    def watched_import(name: str, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if _permitted is not None:
            _check_import(name)
        return plain_import(name, *args, **kwargs)

    builtins.__import__ = watched_import


def _require(name: str, what: str) -> None:
    if _permitted is not None and name not in _permitted:
        pytest.fail(f"{what} without the marker {name!r} (see tests/tiers.py)")
