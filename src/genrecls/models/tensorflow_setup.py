"""TensorFlow and Keras, started quietly and reproducibly."""

from __future__ import annotations

import os
import platform
import sys
from collections import Counter
from functools import cache

from genrecls.console import quiet_libraries, several
from genrecls.environment import cores
from genrecls.errors import RunError

_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


@cache
def load() -> None:
    """Import TensorFlow without its greetings, make its kernels repeatable and compute nothing yet.

    Must run before anything else of a process imports Keras, whose back end is chosen on import.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if platform.machine().lower() in ("x86_64", "amd64"):
        # TensorFlow takes oneDNN's kernels by itself only where there is AVX-512; with AVX2 alone,
        # as most desktops have it, they train small networks in about half the time, too.
        os.environ.setdefault(_ONEDNN, "1")
    with quiet_libraries():
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    log = tf.get_logger()
    # It takes several networks that predict in one process for a mistake and warns of it. What else
    # it says goes where messages go: the stream that it found on import is closed by now.
    log.setLevel("ERROR")
    log.handlers.clear()
    log.propagate = True


@cache
def configure_tensorflow() -> None:
    """Load TensorFlow and let it find its devices, about which it writes, too."""
    load()
    with quiet_libraries():
        import tensorflow as tf

        tf.constant(0)


def numerics() -> dict[str, str]:
    """Return what decides the last digits of all weights beside processor and versions.

    That is among how many threads operations are divided, and whether oneDNN computes them: on or
    off, or left out where TensorFlow decides.
    """
    said = os.environ.get(_ONEDNN)
    onednn = {} if said is None else {"onednn": "on" if said.lower() in ("1", "true") else "off"}
    return {"threads": str(threads()), **onednn}


def fresh(seed: int) -> None:
    """Forget the models of earlier runs in this process and seed initial weights and dropout."""
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)


def threads() -> int:
    """Return among how many threads TensorFlow divides one operation, as `trainer.threads` says.

    They decide in which order it adds, and so the last digits of all weights.
    """
    # It is not imported for this: without it nobody has configured anything.
    tf = sys.modules.get("tensorflow")
    configured = int(tf.config.threading.get_intra_op_parallelism_threads()) if tf else 0
    variable = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    return configured or (int(variable) if variable.isdecimal() else 0) or cores()


def device_title(count: int) -> str:
    """Return which devices of this machine compute, for people.

    Args:
        count: how many take part: TensorFlow takes the first GPUs, the processor where there are
            none.
    """
    configure_tensorflow()
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")[:count]
    if not gpus:
        return f"the CPU, {several(threads(), 'thread')}"
    names = Counter(
        tf.config.experimental.get_device_details(gpu).get("device_name", "a GPU") for gpu in gpus
    )
    return ", ".join(name if n == 1 else f"{n} x {name}" for name, n in names.items())


def fix_threads(count: int) -> None:
    """Let TensorFlow divide each operation among `count` threads, however many cores there are.

    Raises:
        RunError: it computes with another number in this process already.
    """
    load()
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
    except RuntimeError:
        if threads() != count:
            raise RunError(
                f"trainer.deterministic=threads: expected {count} threads, but TensorFlow computes "
                f"with {threads()} in this process already; begin with this training in a new one, "
                f"or say trainer.threads={threads()}"
            ) from None
