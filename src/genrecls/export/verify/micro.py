"""Whether TensorFlow Lite for Microcontrollers runs an exported file, and with which answers.

The wheel `tflite-micro` holds its real interpreter (Python 3.11 on Linux). It runs in a child
process with a time limit: loops of recurrent layers hang in it, and a file that it does not like
can end the process. It is asked for golden answers: those that LiteRT gives to a few held-out
segments with plain kernels. Where the wheel is not installed, the operators of a file tell what is
known without a run.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ExportError
from genrecls.export.tflite.flatbuffer import FUSED_LSTM
from genrecls.export.tflite.memory import arena, cmsis_nn_scratch
from genrecls.export.tflite.operators import objections, operator_uses
from genrecls.features.base import Inputs
from genrecls.runs.export_facts import ArenaSize, ExportedFile, MicroSupport
from genrecls.runtime.network import Network
from genrecls.training.data import Examples, take, take_turns

GOLDEN_COUNT = 10
"""One of each genre, in GTZAN; more would fill the flash of a microcontroller."""

NO_GENRE = -1
"""The truth of an example that is no music, such as silence."""

LARGEST_NETWORK = 4_000_000
"""Bytes of the largest network that is tried; few microcontrollers have so much flash."""

STEPS = 2
"""Rounding differs between kernels: by so many steps of an int8 output at most."""

LSTM_MEAN_STEPS = 0.5
"""The kernels of an LSTM round at every step in time, which now and then adds up to more than
`STEPS` behind a softmax; then so many steps on average, and equal decisions."""

TIME_LIMIT_S = 120.0
"""For all examples; the int8 networks that fit a microcontroller take milliseconds each."""

_CLOSE = 1e-4
_SPARE = 1 << 20
_NOT_RUN = "has all its operators; not run there"
_REPORT = re.compile(r"Arena allocation total (\d+) bytes")
_SOURCE_PLACE = re.compile(r"^tensorflow/\S+ ")
_NOISE = ("Traceback", "  ", "RuntimeError", "[RecordingMicroAllocator]")


@dataclass(frozen=True, eq=False)
class GoldenVectors:
    """A few examples that did not train a file, with what it must answer to them.

    Attributes:
        inputs: named arrays, first axis examples: features or, where the file takes audio, samples.
        raw: the same as the file takes them (quantised for int8), in the order of its inputs.
        outputs: what the file answers, as it gives it, shape (examples, classes).
        truth: class index of each example; `NO_GENRE` for generated sound.
    """

    inputs: Inputs
    raw: Mapping[str, NDArray[np.generic]]
    outputs: NDArray[np.generic]
    truth: NDArray[np.int64]

    @classmethod
    def of(cls, network: Network, inputs: Inputs, truth: NDArray[np.int64]) -> GoldenVectors:
        """Return the golden vectors of a file.

        Args:
            network: the file.
            inputs: what it takes, of segments that did not train it.
            truth: class index of each segment.
        """
        raw = {name: network.quantised(name, inputs[name]) for name in network.inputs}
        return cls(inputs, raw, network.raw_outputs(inputs), truth)

    def disagreement(self, flatbuffer: bytes, outputs: NDArray[Any]) -> str:
        """Return how answers differ by more than the rounding of kernels; empty if they do not.

        Args:
            flatbuffer: the file that both come from.
            outputs: what another interpreter answers.
        """
        operators = {use.name for use in operator_uses(flatbuffer)}
        largest, mean = _CLOSE, 0.0
        if self.outputs.dtype == np.int8 or "QUANTIZE" in operators:
            # With floats outside it is an int8 network between a float front end and output.
            step = 1.0 if self.outputs.dtype == np.int8 else 1 / 256
            largest, mean = STEPS * step, LSTM_MEAN_STEPS * step if FUSED_LSTM in operators else 0.0
        answers, wanted = outputs.astype(np.float64), self.outputs.astype(np.float64)
        gaps = np.abs(answers - wanted)
        if gaps.max() > largest and not gaps.mean() <= mean:
            return f"its outputs differ by {gaps.max():g} (allowed: {largest:g}) from those"
        # Between two largest values that are as near as kernels differ, either is right.
        chosen = wanted[np.arange(len(wanted)), answers.argmax(axis=1)]
        differs = (wanted.max(axis=1) - chosen > largest).any()
        return "its decisions differ from those" if differs else ""


def golden_examples(examples: Examples, n_classes: int) -> Examples:
    """Return the first example of each class in turn, up to `GOLDEN_COUNT`."""
    by_class = [np.flatnonzero(examples.targets == target) for target in range(n_classes)]
    return take(examples, take_turns(by_class, GOLDEN_COUNT))


@dataclass(frozen=True, eq=False)
class MicroResult:
    """What is known of a file on TensorFlow Lite Micro.

    Attributes:
        support: whether it gives the golden answers there.
        arena: the memory that it takes.
        outputs: what it gave there, shape (golden vectors, classes); None where it did not run.
    """

    support: MicroSupport
    arena: ArenaSize
    outputs: NDArray[np.generic] | None = None


def estimate(flatbuffer: bytes) -> MicroResult:
    """Return what the operators of a file tell, without running it."""
    problems = objections(operator_uses(flatbuffer))
    support = MicroSupport(False if problems else None, "; ".join(problems) or _NOT_RUN)
    size = ArenaSize(arena(flatbuffer).bytes, "estimate", cmsis_nn_scratch(flatbuffer))
    return MicroResult(support, size)


def check_golden(flatbuffer: bytes, golden: GoldenVectors) -> MicroResult:
    """Run a file on its golden vectors, if that can be tried."""
    expected = estimate(flatbuffer)
    if expected.support.runs is False:
        return expected
    untried = None
    if len(flatbuffer) > LARGEST_NETWORK:
        untried = f"no microcontroller holds {LARGEST_NETWORK:,} bytes"
    elif not available():
        untried = "pip install 'genrecls[micro]' (Python 3.11 on Linux) runs it"
    if untried:
        return MicroResult(MicroSupport(None, f"{_NOT_RUN}: {untried}"), expected.arena)
    try:
        answer = run(flatbuffer, list(golden.raw.values()))
    except ExportError as error:
        return MicroResult(MicroSupport(runs=False, reason=str(error)), expected.arena)
    reason = golden.disagreement(flatbuffer, answer.outputs)
    support = MicroSupport(
        runs=not reason,
        reason=f"{reason or 'ran there with the answers'} of {len(golden.outputs)} golden vectors",
    )
    size = ArenaSize(answer.arena_bytes, "tflite-micro", cmsis_nn_scratch(flatbuffer))
    return MicroResult(support, size, answer.outputs)


def fits_micro(file: ExportedFile) -> bool:
    """Return whether a microcontroller may run a kept file that it computes the features for."""
    runs = file.micro is not None and file.micro.runs is not False
    return runs and file.input == "features" and (file.flatbuffer or 0) <= LARGEST_NETWORK


@dataclass(frozen=True, eq=False)
class MicroRun:
    """What the interpreter did.

    Attributes:
        outputs: as the network gives them, shape (examples, classes).
        arena_bytes: the smallest arena that is enough, in a 64-bit process.
    """

    outputs: NDArray[np.generic]
    arena_bytes: int


def available() -> bool:
    """Return whether the interpreter is installed."""
    return importlib.util.find_spec("tflite_micro") is not None


def run(
    flatbuffer: bytes, inputs: Sequence[NDArray[np.generic]], time_limit_s: float = TIME_LIMIT_S
) -> MicroRun:
    """Run a flatbuffer on some examples, each from a fresh state.

    Args:
        flatbuffer: with a batch axis of 1 in its inputs.
        inputs: an array for each input of the network in its order, of its type; first axis
            examples.
        time_limit_s: seconds after which the interpreter is stopped.

    Raises:
        ExportError: TensorFlow Lite Micro does not take the network, crashes or does not end.
    """
    with tempfile.TemporaryDirectory(prefix="genrecls-micro-") as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(flatbuffer)
        np.savez(folder / "inputs.npz", *inputs)
        size = str(2 * arena(flatbuffer).bytes + _SPARE)
        module = "genrecls.export.verify.micro_child"
        try:
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-P", "-m", module, name, size],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=time_limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ExportError(
                f"TensorFlow Lite Micro did not end within {time_limit_s:g} s: loops of recurrent "
                "layers hang there; use LSTM layers, which become one operator"
            ) from None
        if done.returncode != 0:
            # The first line that the interpreter itself printed says why.
            lines = done.stderr.splitlines()
            messages = [line for line in lines if line and not line.startswith(_NOISE)]
            detail = f": {_SOURCE_PLACE.sub('', messages[0])}" if messages else ""
            crashed = f"crashed (signal {-done.returncode})"
            verb = crashed if done.returncode < 0 else "refuses the network"
            raise ExportError(f"TensorFlow Lite Micro {verb}{detail}")
        report = _REPORT.search(done.stderr)
        if report is None:
            raise ExportError("TensorFlow Lite Micro ran, but did not report the size of its arena")
        return MicroRun(np.load(folder / "outputs.npy"), int(report[1]))
