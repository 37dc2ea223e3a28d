"""Whether TensorFlow Lite Micro gives the golden answers, by running it where it is installed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ExportError
from genrecls.export.bundle.c_project import LARGEST
from genrecls.export.tflite.memory import arena
from genrecls.export.tflite.operators import objections, uses
from genrecls.export.verify import micro
from genrecls.export.verify.golden import Golden

STEPS = 2
"""Rounding differs between kernels: by so many steps of an int8 output at most."""

LSTM_MEAN_STEPS = 0.5
"""The kernels of an LSTM round at every step in time, which now and then adds up to more than
`STEPS` behind a softmax; then so many steps on average, and equal decisions."""

_CLOSE = 1e-4
_UNTRIED = "has all its operators; not run there"
_MISSING = "pip install 'genrecls[micro]' (Python 3.11 on Linux) runs it"
_LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"


@dataclass(frozen=True, eq=False)
class Proof:
    """What is known of a file on TensorFlow Lite Micro.

    Attributes:
        runs: whether it gives the golden answers there; None where that could not be tried.
        reason: why not, or what was done; one line.
        arena: bytes of the tensor arena.
        source: `tflite-micro` where its interpreter reported the arena, else `estimate`.
        answers: what it gave there, shape (golden vectors, classes); None where it did not run.
    """

    runs: bool | None
    reason: str
    arena: int
    source: str
    answers: NDArray[np.generic] | None = None

    def facts(self) -> dict[str, Any]:
        """Return plain values for a report."""
        return {
            "micro": {"runs": self.runs, "reason": self.reason},
            "arena": {"bytes": self.arena, "source": self.source},
        }


def estimate(flatbuffer: bytes) -> Proof:
    """Return what the operators of a file tell, without running it."""
    size, operators = arena(flatbuffer).bytes, uses(flatbuffer)
    problems = objections(operators)
    if problems:
        return Proof(runs=False, reason="; ".join(problems), arena=size, source="estimate")
    return Proof(runs=None, reason=_UNTRIED, arena=size, source="estimate")


def prove(flatbuffer: bytes, golden: Golden) -> Proof:
    """Run a file against its golden vectors."""
    before = estimate(flatbuffer)
    if before.runs is False:
        return before
    if len(flatbuffer) > LARGEST:
        return replace(before, reason=f"{_UNTRIED}: no microcontroller holds {LARGEST:,} bytes")
    if not micro.available():
        return replace(before, reason=f"{_UNTRIED}: {_MISSING}")
    try:
        done = micro.run(flatbuffer, golden.raw)
    except ExportError as error:
        return replace(before, runs=False, reason=str(error))
    reason = _disagreement(done.outputs, golden.outputs, _Rounding.of(flatbuffer, golden.outputs))
    return Proof(
        runs=not reason,
        reason=f"{reason or 'ran there with the answers'} of {len(golden.outputs)} golden vectors",
        arena=done.arena_bytes,
        source="tflite-micro",
        answers=done.outputs,
    )


@dataclass(frozen=True)
class _Rounding:
    """How far the answers of two interpreters may lie apart.

    Attributes:
        largest: of any answer.
        mean: of all answers, where the largest one may be larger; 0 where it may not.
    """

    largest: float
    mean: float = 0.0

    @classmethod
    def of(cls, flatbuffer: bytes, expected: NDArray[Any]) -> _Rounding:
        names = {use.name for use in uses(flatbuffer)}
        integer = expected.dtype == np.int8
        if not integer and "QUANTIZE" not in names:
            return cls(_CLOSE)
        # Without integers outside it is an int8 network between a float front end and output.
        step = 1.0 if integer else 1 / 256
        return cls(STEPS * step, LSTM_MEAN_STEPS * step if _LSTM in names else 0.0)


def _disagreement(found: NDArray[Any], expected: NDArray[Any], rounding: _Rounding) -> str:
    """Return how the answers differ by more than rounding; empty if they do not."""
    answers, wanted = found.astype(np.float64), expected.astype(np.float64)
    gaps = np.abs(answers - wanted)
    if gaps.max() > rounding.largest and not gaps.mean() <= rounding.mean:
        return f"its outputs differ by {gaps.max():g} (allowed: {rounding.largest:g}) from those"
    # Between two largest values that are as near as kernels differ, either is right.
    chosen = wanted[np.arange(len(wanted)), answers.argmax(axis=1)]
    differs = (wanted.max(axis=1) - chosen > rounding.largest).any()
    return "its decisions differ from those" if differs else ""
