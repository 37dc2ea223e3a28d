from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def _needs_tensorflow(tensorflow: None) -> None:
    """Marks all tests of this folder."""
