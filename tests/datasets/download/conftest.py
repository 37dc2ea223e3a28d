"""Fixtures for everything that fetches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.datasets.download.server import Server, reach_this_machine


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A running server; only this machine can be reached."""
    reach_this_machine(monkeypatch)
    with Server() as running:
        yield running
