"""Whether TensorFlow Lite Micro gives the golden answers, by running it where it is installed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from genrecls.errors import ExportError
from genrecls.export import micro
from genrecls.export.golden import Golden
from genrecls.export.memory import arena
from genrecls.export.operators import objections, uses

STEPS = 2
"""Rounding differs between kernels: by so many steps of an int8 output at most."""

_CLOSE = 1e-4


@dataclass(frozen=True)
class Proof:
    """What is known of a file on TensorFlow Lite Micro.

    Attributes:
        runs: whether it gives the golden answers there; None where that could not be tried.
        reason: why not, or what was done; one line.
        arena: bytes of the tensor arena.
        source: `tflite-micro` where its interpreter reported the arena, else `estimate`.
    """

    runs: bool | None
    reason: str
    arena: int
    source: str

    def facts(self) -> dict[str, Any]:
        """Return plain values for a report."""
        found = asdict(self)
        return {
            "micro": {key: found[key] for key in ("runs", "reason")},
            "arena": {"bytes": self.arena, "source": self.source},
        }


def estimate(flatbuffer: bytes) -> Proof:
    """Return what the operators of a file tell, without running it."""
    size, operators = arena(flatbuffer).bytes, uses(flatbuffer)
    problems = objections(operators)
    if problems:
        return Proof(runs=False, reason="; ".join(problems), arena=size, source="estimate")
    missing = "not tried: pip install 'genrecls[micro]' (Python 3.11 on Linux) runs it"
    return Proof(runs=None, reason=missing, arena=size, source="estimate")


def prove(flatbuffer: bytes, golden: Golden) -> Proof:
    """Run a file with the entrance `features` against its golden vectors."""
    before = estimate(flatbuffer)
    if before.runs is False or not micro.available():
        return before
    try:
        done = micro.run(flatbuffer, golden.raw)
    except ExportError as error:
        return replace(before, runs=False, reason=str(error))
    reason = _disagreement(done.outputs, golden.outputs)
    return Proof(
        runs=not reason,
        reason=f"{reason or 'ran there with the answers'} of {len(golden.outputs)} golden vectors",
        arena=done.arena_bytes,
        source="tflite-micro",
    )


def _disagreement(found: Any, expected: Any) -> str:
    """Return how the answers differ by more than rounding; empty if they do not."""
    gap = float(np.abs(found.astype(np.float64) - expected).max())
    allowed = STEPS if expected.dtype == np.int8 else _CLOSE
    if gap > allowed:
        return f"its outputs differ by {gap:g} (allowed: {allowed:g}) from those"
    # Between two equal largest values of int8 either is right.
    rows = np.arange(len(expected))
    behind = expected.max(axis=1) - expected[rows, found.argmax(axis=1)]
    return "its decisions differ from those" if (behind > allowed).any() else ""
