"""What all tests share: no network, and the real configuration made small."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from pytest_socket import disable_socket

from genrecls.cli import main
from genrecls.config.compose import compose
from genrecls.experiment.experiment import Experiment, parse

# No folder of examples in the working directory, no failures of a busy machine.
settings.register_profile("genrecls", database=None, deadline=None)
settings.load_profile("genrecls")

ComposeExperiment = Callable[..., Experiment]


def pytest_runtest_setup() -> None:
    # Unix sockets reach nothing but this machine; event loops and process pools use them.
    disable_socket(allow_unix_socket=True)


@pytest.fixture(scope="session")
def compose_experiment() -> ComposeExperiment:
    """Composes and validates `conf/train.yaml` with `debug=smoke` and the given overrides."""
    composed: dict[tuple[str, ...], dict[str, Any]] = {}

    def make(*overrides: str) -> Experiment:
        if overrides not in composed:
            composed[overrides] = compose("train", ["debug=smoke", *overrides])
        return parse(composed[overrides])

    return make


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
def run_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunCommand]:
    """Runs `genrecls` with the given words in this process."""
    monkeypatch.delenv("GENRECLS_DEBUG", raising=False)
    previous = signal.getsignal(signal.SIGTERM)
    # Hydra's --info adds a handler that writes to the standard output of this test.
    handlers = list(logging.getLogger().handlers)

    def run(*words: str) -> Outcome:
        capsys.readouterr()
        status = main.main(words)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    yield run
    signal.signal(signal.SIGTERM, previous)
    logging.getLogger().handlers[:] = handlers


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts files that were written just now as finished, as if the test had waited."""
    monkeypatch.setattr("genrecls.files.hashing._SETTLED_NS", -(10**18))
