"""Data that all sweeps of the tests share, as sweeps of a user do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sweeps.sweeps import Place


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def place(data_root: Path, tmp_path: Path) -> Place:
    return Place(data_root, tmp_path / "outputs")
