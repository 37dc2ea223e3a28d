"""Outputs of the frozen layers of a network: computed once for each example, then read back.

Nothing that is trained changes them, so a head trains and is scored on them as on features. An
entry is named by the content of its example and by everything else that decides its values: layers,
weights and library versions. So it cannot go stale, and other splits and seeds find it too. Layout,
below a root folder:

    <key>/spec.json                       what this folder holds, for people
    <key>/<2 digits>/<example digest>.npz
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

BATCH = 16
"""Examples that are computed at once."""

# They stay in memory while other layers learn or are scored. Behind the front end of musicnn the
# segments of a thousand tracks of 30 s take a little less.
MOST_OUTPUT_BYTES = 3e9

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


def excess_bytes(model: keras.Model, frozen: str, *parts: Examples) -> int:
    """Return what the outputs of the frozen layers would take in memory; 0 where that is no matter.

    The inputs are in memory already, so what is no larger cannot exhaust it.

    Args:
        model: a whole network.
        frozen: name of its last frozen layer.
        parts: all examples whose outputs would be kept at once.
    """
    values = prod(model.get_layer(frozen).output.shape[1:])
    larger = values > sum(prod(array.shape[1:]) for array in parts[0].inputs.values())
    output_bytes = np.dtype(np.float32).itemsize * values * sum(map(len, parts))
    return output_bytes if larger and output_bytes > MOST_OUTPUT_BYTES else 0


def skip_frozen(
    model: keras.Model, frozen: str | None, examples: Examples, root: Path
) -> tuple[keras.Model, Examples]:
    """Return the layers of `model` that are left to compute, with what they take of the examples.

    Args:
        model: a whole network.
        frozen: name of the last layer whose outputs are kept; None where there are none. Then, and
            where there are too many examples, both are returned as they are.
        examples: inputs of the whole network.
        root: folder of all outputs, see `backbone_root`.

    Raises:
        DataError: what was computed cannot be written.
    """
    if frozen is None or excess_bytes(model, frozen, examples):
        return model, examples
    backbone, head = divide(model, frozen)
    return head, embed(backbone, examples, root)


def embed(backbone: keras.Model, examples: Examples, root: Path) -> Examples:
    """Return `examples` with the outputs of `backbone` as their only input, called `INPUT`.

    Args:
        backbone: the frozen layers.
        examples: what they compute.
        root: folder of all outputs, see `backbone_root`.

    Raises:
        DataError: what was computed cannot be written.
    """
    shape = tuple(backbone.output_shape[1:])
    store = OutputStore(root, backbone, shape)
    digests = [_example_digest(examples.inputs, index) for index in range(len(examples))]
    outputs = np.empty((len(examples), *shape), dtype=np.float32)
    missing = []
    for index, digest in enumerate(digests):
        stored = store.read(digest)
        if stored is None:
            missing.append(index)
        else:
            outputs[index] = stored
    if store.damaged:
        warn(f"backbone outputs: {store.damaged} damaged and computed again")

    forward = forward_batches(backbone)
    with progress("backbone outputs", len(missing)) as advance:
        for start in range(0, len(missing), BATCH):
            chosen = missing[start : start + BATCH]
            batch = {name: values[chosen] for name, values in examples.inputs.items()}
            for index, output in zip(chosen, forward(batch), strict=True):
                outputs[index] = output
                store.write(digests[index], output)
            for _ in chosen:
                advance()
    say(f"backbone outputs: {len(examples) - len(missing)} from the cache, {len(missing)} computed")
    return replace(examples, inputs={INPUT: outputs})


def forward_batches(
    network: keras.Model,
) -> Callable[[Mapping[str, NDArray[np.float32]]], NDArray[np.float32]]:
    """Return a function of the named inputs of up to `BATCH` examples that gives their outputs.

    Every batch is filled up to the same size, for which one graph is compiled: in it an example has
    the same outputs bit for bit, whichever others are with it. TensorFlow takes a second and third
    `predict` in one process for a mistake and warns of it.
    """
    import tensorflow as tf

    forward = tf.function(lambda batch: network(batch, training=False), jit_compile=False)

    def outputs(inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        count = len(next(iter(inputs.values())))
        rows = np.minimum(np.arange(BATCH), count - 1)
        batch = {name: tf.constant(values[rows]) for name, values in inputs.items()}
        return np.asarray(forward(batch).numpy()[:count])

    return outputs


class OutputStore:
    """Outputs of one network, kept by the digest of what it was given.

    Args:
        root: folder of all outputs, see `backbone_root`.
        network: what computes them; its layers and weights name the folder.
        shape: of one entry; None along an axis of any length.
        made_from: what else decides the values, as JSON values.

    Attributes:
        damaged: damaged entries met so far; each counts as absent.
    """

    def __init__(
        self,
        root: Path,
        network: keras.Model,
        shape: tuple[int | None, ...],
        made_from: Mapping[str, Any] | None = None,
    ) -> None:
        import keras
        import tensorflow as tf

        self._shape = shape
        self.damaged = 0
        # The key names the layers, their weights and the libraries that compute with them.
        versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
        described = [network.to_json(), versions, *([made_from] if made_from else [])]
        key = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
        for value in network.get_weights():
            key.update(value.tobytes())
        self._folder = root / key.hexdigest()[:32]
        layers = [layer.name for layer in network.layers]
        with _writing(self._folder):
            # Written anew at each use: its time says when a folder was last of use.
            spec = {"layers": layers, "outputs": shape, **versions, **(made_from or {})}
            write_json(self._folder / "spec.json", spec)

    def read(self, digest: str) -> NDArray[np.float32] | None:
        """Return an entry; None where it is not there or not whole."""
        try:
            values = read_arrays(self._path(digest))[_ARRAY]
            sizes = zip(self._shape, values.shape, strict=True)
            if any(size not in {None, length} for size, length in sizes):
                raise ValueError("another shape")
            if values.dtype != np.float32:
                raise ValueError("another type")
        except FileNotFoundError:
            return None
        except Exception:  # noqa: BLE001 - whatever damage makes the readers of zip and npy raise
            self.damaged += 1
            return None
        return values

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
