"""TensorFlow and Keras, started quietly and reproducibly."""

from __future__ import annotations

import os
from functools import cache

from genrecls.console import quiet_libraries


@cache
def load() -> None:
    """Import TensorFlow without its greetings, make its kernels repeatable and compute nothing yet.

    Must run before anything else of a process imports Keras, whose back end is chosen on import.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_libraries():
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


@cache
def configure_tensorflow() -> None:
    """Load TensorFlow and let it find its devices, about which it writes, too."""
    load()
    with quiet_libraries():
        import tensorflow as tf

        tf.constant(0)


def fresh(seed: int) -> None:
    """Forget the models of earlier runs in this process and seed initial weights and dropout."""
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
