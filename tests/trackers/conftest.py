from __future__ import annotations

from contextlib import suppress

import pytest

from tests.sqlite import hurry


@pytest.fixture(scope="session", autouse=True)
def _hurried_databases() -> None:
    with suppress(ImportError):
        hurry()
