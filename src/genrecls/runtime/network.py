"""A network in a TFLite flatbuffer, run by whichever TFLite runtime there is."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ConfigError, ModelFileError, RunError, first_line

MEAN, DEVIATION = "/mean", "/deviation"
"""What follows the name of an input in the names of its normalisation."""

MOST_THREADS = max(64, 4 * (os.cpu_count() or 1))
"""Far more threads than this crash the runtime."""

_RUNTIME, _OLD_RUNTIME = "ai_edge_litert", "tflite_runtime"

# Of all tensors together; those of VGG16, the largest network here, are 0.7 GB.
_MOST_BYTES = 4 * 2**30

Stored = NDArray[Any]
"""Numbers as the network takes or gives them: of its type, quantised where it is int8."""


@dataclass(frozen=True)
class _Tensor:
    """An input or output.

    Attributes:
        index: place in the interpreter.
        shape: without the batch axis, which is always 1.
        scale, zero_point: a stored number q means (q - zero_point) * scale; scale 0 is itself.
        mean, deviation: what it means is (value - mean) / deviation, an item each for the last
            axis; empty where it is the value itself.
    """

    index: int
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    def stored(self, values: NDArray[np.floating]) -> Stored:
        if self.mean:
            mean, deviation = (np.asarray(x, np.float32) for x in (self.mean, self.deviation))
            values = (np.asarray(values, np.float32) - mean) / deviation
        if not self.scale:
            return np.asarray(values, self.dtype)
        limits = np.iinfo(self.dtype)
        steps = np.rint(values / self.scale) + self.zero_point
        return np.asarray(np.clip(steps, limits.min, limits.max), self.dtype)

    def meant(self, stored: Stored) -> NDArray[np.float64]:
        values = np.asarray(stored, np.float64)
        return (values - self.zero_point) * self.scale if self.scale else values

    @property
    def details(self) -> dict[str, Any]:
        listed: dict[str, Any] = {"shape": list(self.shape)}
        if self.mean:
            listed |= {"mean": list(self.mean), "deviation": list(self.deviation)}
        plain = {"dtype": self.dtype, "scale": self.scale, "zero_point": self.zero_point}
        return {**listed, **plain}


class Network:
    """A classifier with batch size 1.

    Args:
        flatbuffer: content of a `.tflite` file.
        threads: how many the runtime may use, 1 to `MOST_THREADS`.
        delegates: whether the kernels that are fastest on a processor are used; without them it
            rounds as a microcontroller does (`for_microcontrollers`).

    Attributes:
        inputs: `shape` (without the batch axis), `dtype`, `scale` and `zero_point` by name, in the
            order of the file; a stored number q means (q - zero_point) * scale, scale 0 is itself.
            With `mean` and `deviation` that is the value less the one, divided by the other.
        output: the same of the probabilities.

    Raises:
        ConfigError: that many threads cannot be.
        RunError: no TFLite runtime is installed, or it cannot work here.
        ModelFileError: this runtime cannot run this network.
    """

    def __init__(self, flatbuffer: bytes, threads: int = 1, *, delegates: bool = True) -> None:
        check_threads(threads)
        runtime, module = _tflite_runtime()
        options: dict[str, Any] = {}
        if not delegates:
            kind = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            options["experimental_op_resolver_type"] = kind
        self._runtime = runtime
        try:
            _check_root(flatbuffer)
            with _silence():
                self._interpreter = module.Interpreter(
                    model_content=flatbuffer, num_threads=threads, **options
                )
                # Only what the file announces is known by now, and nothing is reserved.
                _refuse_huge(self._interpreter.get_tensor_details())
                self._interpreter.allocate_tensors()
            # The normalisation of an input lies beside it under its name.
            beside = {one["name"]: one["index"] for one in self._interpreter.get_tensor_details()}
            self._inputs = {}
            for details in self._interpreter.get_input_details():
                # Without what TensorFlow adds to the names of a signature.
                name = str(details["name"]).removeprefix("serving_default_").partition(":")[0]
                tensor = _tensor(name, details)
                if name + MEAN in beside:
                    mean, deviation = (
                        tuple(map(float, self._interpreter.get_tensor(beside[name + part])))
                        for part in (MEAN, DEVIATION)
                    )
                    _check_normalisation(name, tensor.shape, mean, deviation)
                    tensor = replace(tensor, mean=mean, deviation=deviation)
                self._inputs[name] = tensor
            self._output = _tensor("output", self._interpreter.get_output_details()[0])
        except (RuntimeError, ValueError, LookupError, TypeError, MemoryError) as error:
            raise self._refusal(error) from None
        self.inputs = {name: tensor.details for name, tensor in self._inputs.items()}
        self.output = self._output.details

    @property
    def rounding(self) -> float:
        """From one value that a probability can have to the next; 0 where none is rounded."""
        return self._output.scale

    def _refusal(self, error: Exception) -> ModelFileError:
        """Return the one line for what the runtime does not take."""
        reason = first_line(error)
        if self._runtime == _OLD_RUNTIME:
            return ModelFileError(
                f"tflite-runtime cannot run this file ({reason}); it knows no dynamic-range "
                "files: use another file of the same export, or pip install ai-edge-litert"
            )
        return ModelFileError(
            f"the TFLite runtime cannot run this file ({reason}); export it again"
        )

    def quantised(self, name: str, values: NDArray[np.floating]) -> Stored:
        """Return values of the input `name` as the network takes them."""
        return self._inputs[name].stored(values)

    def raw_outputs(self, inputs: Mapping[str, NDArray[np.float32]]) -> Stored:
        """Return what the network gives, shape (segments, classes).

        Args:
            inputs: an array for each of `inputs`, its first axis segments.

        Raises:
            ModelFileError: the runtime stops inside the network.
        """
        count = len(next(iter(inputs.values())))
        outputs = np.empty((count, *self._output.shape), self._output.dtype)
        stored = [(tensor.index, tensor.stored(inputs[n])) for n, tensor in self._inputs.items()]
        try:
            for row, output in enumerate(outputs):
                # A fused LSTM would go on with the state that the segment before left.
                self._interpreter.reset_all_variables()
                for index, values in stored:
                    self._interpreter.set_tensor(index, values[row : row + 1])
                self._interpreter.invoke()
                output[:] = self._interpreter.get_tensor(self._output.index)[0]
        except (RuntimeError, ValueError, MemoryError) as error:
            raise self._refusal(error) from None
        return outputs

    def probabilities(self, inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return the probabilities of segments, shape (segments, classes)."""
        return self._output.meant(self.raw_outputs(inputs))


def for_microcontrollers(card: Mapping[str, Any]) -> bool:
    """Return whether a file (`input` and `mode` in its card) is one that microcontrollers run.

    It is then run here with kernels that round as theirs do, which take some milliseconds longer
    for a track: what `predict` says of a track, the device says of it, too.
    """
    return (card["input"], card["mode"]) == ("features", "int8")


def check_threads(threads: int) -> None:
    """Refuse a number of threads that no runtime takes.

    Raises:
        ConfigError: it is not between 1 and `MOST_THREADS`.
    """
    if not 1 <= threads <= MOST_THREADS:
        raise ConfigError(f"--threads: received {threads}; allowed: 1 to {MOST_THREADS}")


@contextmanager
def _silence() -> Iterator[None]:
    """Drop what the runtime greets with on file descriptor 2, past Python's `sys.stderr`."""
    if sys.__stderr__ is None:
        yield
        return
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def _check_root(flatbuffer: bytes) -> None:
    """Refuse a file without operators, graphs or buffers, which ends the process in the runtime.

    The beginning of a flatbuffer is where its root table is, that of the table where its list of
    fields is, and a field that is absent has the offset 0 in there (flatbuffers.dev/internals).

    Raises:
        ValueError: a field is absent, or there is no such table.
    """
    try:
        (root,) = struct.unpack_from("<I", flatbuffer)
        fields = root - struct.unpack_from("<i", flatbuffer, root)[0]
        (size,) = struct.unpack_from("<H", flatbuffer, fields)
        # In the order of the schema: version, operators, graphs, description, buffers.
        offsets = struct.unpack_from(f"<{size // 2}H", flatbuffer, fields)[2:7]
    except struct.error:
        raise ValueError("it is no TensorFlow Lite model") from None
    if len(offsets) < 5 or not (offsets[1] and offsets[2] and offsets[4]):
        raise ValueError("it has no operators, graphs or buffers")


def _refuse_huge(tensors: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a network whose tensors, as it announces them, need far more memory than any here."""
    size = sum(
        prod(abs(int(axis)) for axis in one["shape"]) * np.dtype(one["dtype"]).itemsize
        for one in tensors
    )
    if size > _MOST_BYTES:
        raise ValueError(f"its tensors would be {size:,} bytes, expected at most {_MOST_BYTES:,}")


def _tensor(name: str, details: Mapping[str, Any]) -> _Tensor:
    """Return an input or output.

    Raises:
        ValueError: it holds no features or probabilities.
    """
    scale, zero_point = details["quantization"]
    first, *shape = (int(size) for size in details["shape"])
    dtype = np.dtype(details["dtype"]).name
    numbers = dtype == "int8" and 0 < scale < np.inf and -128 <= zero_point <= 127
    if first != 1 or not (numbers or (dtype == "float32" and not scale)):
        raise ValueError(
            f"'{name}' is {dtype} of shape {[first, *shape]} and scale {scale:g}, expected one "
            "segment of float32 or quantised int8"
        )
    return _Tensor(details["index"], tuple(shape), dtype, float(scale), int(zero_point))


def _check_normalisation(
    name: str, shape: Sequence[int], mean: Sequence[float], deviation: Sequence[float]
) -> None:
    numbers = np.array([*mean, *deviation])
    if not len(mean) == len(deviation) == shape[-1]:
        raise ValueError(
            f"'{name}' has {shape[-1]} coefficients but {len(mean)} means and "
            f"{len(deviation)} deviations"
        )
    if not (np.isfinite(numbers).all() and min(deviation) > 0):
        raise ValueError(f"'{name}' is normalised by what is not a finite mean and deviation")


def _tflite_runtime() -> tuple[str, Any]:
    """Return the package of the TFLite runtime and its module of interpreters.

    Raises:
        RunError: none is installed, or it cannot work here.
    """
    runtime = _RUNTIME if find_spec(_RUNTIME) else _OLD_RUNTIME
    if runtime == _OLD_RUNTIME:
        if not find_spec(_OLD_RUNTIME):
            raise RunError(
                "no TFLite runtime is installed; install one with pip install ai-edge-litert, or "
                "with pip install tflite-runtime 'numpy<2' on Python 3.11"
            )
        if int(np.__version__.partition(".")[0]) >= 2:
            raise RunError(
                f"tflite-runtime needs numpy below 2, found {np.__version__}; install "
                "ai-edge-litert instead (pip install ai-edge-litert), or an older numpy "
                "(pip install 'numpy<2')"
            )
    try:
        return runtime, import_module(f"{runtime}.interpreter")
    except ImportError as error:
        raise RunError(f"{runtime} is installed but does not start ({error})") from None
