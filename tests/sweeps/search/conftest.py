"""The data that all sweeps of the tests share, for searches too."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.sqlite import hurry
from tests.sweeps.conftest import data_root, place

__all__ = ["data_root", "place"]


@pytest.fixture(scope="session", autouse=True)
def _hurried_databases() -> None:
    with suppress(ImportError):
        hurry()
