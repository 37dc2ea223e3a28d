"""What all tests share: no network, and the real configuration made small."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket

from genrecls.cli import main
from genrecls.datasets.synth import rendering
from genrecls.experiment.experiment import Experiment, parse
from genrecls.models import tensorflow_setup
from tests import tiers
from tests.composed import composed
from tests.forked import PARENTS, SUBPROCESS
from tests.in_process import undisturbed
from tests.music import record_once

# No folder of examples in the working directory, no failures of a busy machine.
settings.register_profile(
    "genrecls", database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("genrecls")

ComposeExperiment = Callable[..., Experiment]


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name content after its parameter: two processes encode an OGG or a ZIP in different bytes."""
    return argname if isinstance(val, bytes) and len(val) > 40 else None


def pytest_configure() -> None:
    tiers.watch()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tiers.mark(items)
    tiers.processes_first(items)


def pytest_collection_finish() -> None:
    _keep()


def _keep() -> None:
    """Leave what exists by now out of every collection of garbage: it stays to the end.

    Keras collects garbage whenever its session is cleared, and would look through TensorFlow, all
    tests and what TensorFlow keeps of every earlier network each time.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    with tiers.permitting(tiers.permissions(item)):
        try:
            return (yield)
        finally:
            if item.get_closest_marker("tensorflow"):
                _keep()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """Holds a fixture that all modules share to its own word, whichever test comes first."""
    if fixturedef.scope != "session":
        return (yield)
    permitted = tiers.fixture_permissions(fixturedef.argname, request._arg2fixturedefs)
    with tiers.permitting(permitted):
        return (yield)


@pytest.fixture(scope="session")
def tensorflow() -> None:
    """TensorFlow, started as a training does; a test that requests it has the marker."""
    tensorflow_setup.configure_tensorflow()
    import keras  # noqa: F401 - so that it is among what stays

    _keep()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests have in common.

    Whoever makes something there holds a lock, so that it is made once.
    """
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def _music_computed_once() -> Iterator[None]:
    """Computes each track of generated music once, for hundreds of tests begin with the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "record", record_once)
        yield


@pytest.fixture(scope="session")
def process() -> None:
    """Nothing; a test or fixture that requests it may start processes, and has the marker."""


@pytest.fixture
def forked_modules(monkeypatch: pytest.MonkeyPatch, process: None) -> None:
    """Lets trainings, conversions and measurements be forks of a process with TensorFlow."""
    for name in PARENTS:
        # By its module: on the way to it, `genrecls.export` may be the function of the Python API.
        monkeypatch.setattr(import_module(name), "subprocess", SUBPROCESS)


def pytest_runtest_setup() -> None:
    # Unix sockets reach nothing but this machine; event loops and process pools use them.
    disable_socket(allow_unix_socket=True)


@pytest.fixture(scope="module")
def without_figures() -> Iterator[None]:
    """Reports of runs have no figures, which take longer than a short training."""
    from genrecls.explain import examples_per_genre
    from genrecls.reports import run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "draw", lambda _: {})
        patch.setattr(examples_per_genre, "explain_examples", lambda *_: [])
        yield


@pytest.fixture(scope="session")
def compose_experiment() -> ComposeExperiment:
    """Composes and validates `conf/train.yaml` with `debug=smoke` and the given overrides."""
    return lambda *overrides: parse(composed("train", "debug=smoke", *overrides))


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The only line on standard error, without its prefix."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("genrecls: error: ")


RunCommand = Callable[..., Outcome]


@pytest.fixture
def run_command(capsys: pytest.CaptureFixture[str]) -> Iterator[RunCommand]:
    """Runs `genrecls` with the given words in this process."""

    def run(*words: str) -> Outcome:
        capsys.readouterr()
        status = main.main(words)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    with undisturbed():
        yield run


@pytest.fixture
def without_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PyAV be absent, whatever is installed."""
    monkeypatch.setattr("genrecls.dsp.ffmpeg.find_spec", lambda _: None)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts files that were written just now as finished, as if the test had waited."""
    monkeypatch.setattr("genrecls.files.hashing._SETTLED_NS", -(10**18))
