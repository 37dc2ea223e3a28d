from __future__ import annotations

import pytest

from genrecls.models import tensorflow_setup


@pytest.fixture(scope="session", autouse=True)
def tensorflow() -> None:
    """Starts the back end as a training does."""
    tensorflow_setup.configure_tensorflow()
