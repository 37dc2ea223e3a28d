from __future__ import annotations

import pytest

from genrecls.models import tensorflow_setup


@pytest.fixture(autouse=True)
def _same_weights() -> None:
    """Starts the back end as a training does, and seeds the weights of each test's networks."""
    tensorflow_setup.configure_tensorflow()
    import keras

    keras.utils.set_random_seed(0)
