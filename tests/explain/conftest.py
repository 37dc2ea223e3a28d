from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _same_weights(tensorflow: None) -> None:
    """Seeds the weights of each test's networks."""
    import keras

    keras.utils.set_random_seed(0)
