"""Run an exported file on the real interpreter of TensorFlow Lite for Microcontrollers.

The wheel `tflite-micro` holds it (Python 3.11 on Linux). It runs in a child process with a time
limit: loops of recurrent layers hang in it, and a file that it does not like can end the process.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ExportError
from genrecls.export.tflite.memory import arena

PATIENCE = 120.0
"""Seconds for all examples; the int8 networks that fit a microcontroller take milliseconds each."""

_REPORT = re.compile(r"Arena allocation total (\d+) bytes")
_PLACE = re.compile(r"^tensorflow/\S+ ")
_SPARE = 1 << 20
_NOISE = ("Traceback", "  ", "RuntimeError", "[RecordingMicroAllocator]")


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
    flatbuffer: bytes, inputs: Sequence[NDArray[np.generic]], patience: float = PATIENCE
) -> MicroRun:
    """Run a flatbuffer on some examples, each from a fresh state.

    Args:
        flatbuffer: with a batch axis of 1 in its inputs.
        inputs: an array for each input of the network in its order, of its type; first axis
            examples.
        patience: seconds after which the interpreter is stopped.

    Raises:
        ExportError: TensorFlow Lite Micro does not take the network, crashes or does not end.
    """
    with tempfile.TemporaryDirectory(prefix="genrecls-micro-") as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(flatbuffer)
        np.savez(folder / "inputs.npz", *inputs)
        size = 2 * arena(flatbuffer).bytes + _SPARE
        report = _child(folder, size, patience)
        return MicroRun(np.load(folder / "outputs.npy"), _arena_bytes(report))


def _child(folder: Path, size: int, patience: float) -> str:
    """Return what the child process says on standard error."""
    command = [sys.executable, "-m", "genrecls.export.verify.micro_child", str(folder), str(size)]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="replace", timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        raise ExportError(
            f"TensorFlow Lite Micro did not end within {patience:g} s: loops of recurrent layers "
            "hang there; use LSTM layers, which become one operator"
        ) from None
    if done.returncode == 0:
        return done.stderr
    raise ExportError(f"TensorFlow Lite Micro {_reason(done)}")


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Return why the child failed: the first thing that the interpreter itself says."""
    said = [line for line in done.stderr.splitlines() if line and not line.startswith(_NOISE)]
    detail = f": {_PLACE.sub('', said[0])}" if said else ""
    if done.returncode < 0:
        return f"crashed (signal {-done.returncode}){detail}"
    return f"refuses the network{detail}"


def _arena_bytes(report: str) -> int:
    found = _REPORT.search(report)
    if found is None:
        raise ExportError("TensorFlow Lite Micro ran, but did not report the size of its arena")
    return int(found[1])
