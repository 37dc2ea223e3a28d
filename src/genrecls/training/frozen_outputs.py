"""Outputs of the frozen layers of a network: computed once for each example, then read back.

Nothing that is trained changes them, so a head trains on them as on features. An entry is named by
the content of its example and by everything else that decides its values: layers, weights and
library versions. So it cannot go stale, and other splits and seeds find it too. Layout, below a
root folder:

    <key>/spec.json                       what this folder holds, for people
    <key>/<2 digits>/<example digest>.npz
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genrecls.console import progress, say, warn
from genrecls.errors import DataError
from genrecls.features.cache import read_arrays
from genrecls.files.atomic import replacing
from genrecls.files.tables import write_json
from genrecls.training.data import Examples

if TYPE_CHECKING:
    import keras

INPUT = "embedding"
"""Name of the only input of a network that works on these outputs."""

_BATCH = 16
_ARRAY = "outputs"


def backbone_root(data_root: Path) -> Path:
    """Return the folder of these outputs below the folder of all data."""
    return data_root / "cache" / "backbone"


def divide(model: keras.Model, frozen: str) -> tuple[keras.Model, keras.Model]:
    """Return the layers of `model` up to the layer `frozen`, and those behind it.

    Both share their layers with `model`, whose layers behind `frozen` must see those before it
    through `frozen` alone.
    """
    import keras

    last = [layer.name for layer in model.layers].index(frozen)
    cut = model.layers[last].output
    backbone = keras.Model(model.input, cut, name="backbone")
    behind = keras.Model(cut, model.output, name="behind")
    source = keras.Input(cut.shape[1:], name=INPUT)
    return backbone, keras.Model({INPUT: source}, behind(source), name="head")


def embed(backbone: keras.Model, examples: Examples, root: Path) -> Examples:
    """Return `examples` with the outputs of `backbone` as their only input, called `INPUT`.

    Args:
        backbone: the frozen layers.
        examples: what they compute.
        root: folder of all outputs, see `backbone_root`.

    Raises:
        DataError: what was computed cannot be written.
    """
    import tensorflow as tf

    store = _Store(root, backbone)
    digests = [_example_digest(examples.inputs, index) for index in range(len(examples))]
    outputs = np.empty((len(examples), *store.shape), dtype=np.float32)
    missing = [
        index for index, digest in enumerate(digests) if not store.read(digest, outputs[index])
    ]
    if store.damaged:
        warn(f"backbone outputs: {store.damaged} damaged and computed again")

    # Every batch is filled up to the same size, for which one graph is compiled: in it an example
    # has the same outputs bit for bit, whichever others are with it. TensorFlow takes a second and
    # third `predict` in one process for a mistake and warns of it.
    forward = tf.function(lambda batch: backbone(batch, training=False), jit_compile=False)
    with progress("backbone outputs", len(missing)) as advance:
        for start in range(0, len(missing), _BATCH):
            chosen = missing[start : start + _BATCH]
            rows = [*chosen, *[chosen[-1]] * (_BATCH - len(chosen))]
            batch = {name: tf.constant(values[rows]) for name, values in examples.inputs.items()}
            for index, output in zip(chosen, forward(batch).numpy(), strict=False):
                outputs[index] = output
                store.write(digests[index], output)
            for _ in chosen:
                advance()
    say(f"backbone outputs: {len(examples) - len(missing)} from the cache, {len(missing)} computed")
    return replace(examples, inputs={INPUT: outputs})


class _Store:
    """The entries of one backbone.

    Attributes:
        shape: of one entry.
        damaged: damaged entries met so far; each counts as absent.
    """

    def __init__(self, root: Path, backbone: keras.Model) -> None:
        import keras
        import tensorflow as tf

        self.shape: tuple[int, ...] = tuple(backbone.output_shape[1:])
        self.damaged = 0
        # The key names the layers, their weights and the libraries that compute with them.
        versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
        key = hashlib.sha256(json.dumps([backbone.to_json(), versions]).encode())
        for value in backbone.get_weights():
            key.update(value.tobytes())
        self._folder = root / key.hexdigest()[:32]
        layers = [layer.name for layer in backbone.layers]
        with _writing(self._folder):
            # Written anew at each use: its time says when a folder was last of use.
            spec = {"layers": layers, "outputs": self.shape, **versions}
            write_json(self._folder / "spec.json", spec)

    def read(self, digest: str, into: NDArray[np.float32]) -> bool:
        """Put an entry into `into`; return whether it is there and whole."""
        try:
            values = read_arrays(self._path(digest))[_ARRAY]
            if values.shape != self.shape or values.dtype != np.float32:
                raise ValueError("another shape or type")
        except FileNotFoundError:
            return False
        except Exception:  # noqa: BLE001 - whatever damage makes the readers of zip and npy raise
            self.damaged += 1
            return False
        into[...] = values
        return True

    def write(self, digest: str, outputs: NDArray[np.float32]) -> None:
        """Write an entry, whole or not at all."""
        with (
            _writing(self._folder),
            replacing(self._path(digest), durable=False) as beside,
        ):
            np.savez(beside, **{_ARRAY: outputs})  # type: ignore[arg-type]

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / f"{digest}.npz"


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder}: the backbone's outputs cannot be kept ({error.strerror or error}); free "
            "space, make it writable or set another data_root"
        ) from error


def _example_digest(inputs: Mapping[str, NDArray[np.float32]], index: int) -> str:
    digest = hashlib.sha256()
    for name in sorted(inputs):
        digest.update(f"{name} {inputs[name].shape[1:]} {inputs[name].dtype}".encode())
        digest.update(inputs[name][index].tobytes())
    return digest.hexdigest()[:32]
