"""Which operators an exported file needs, and whether TensorFlow Lite Micro has them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from genrecls.export.tflite.graph import Graph, Operator, graphs

_WEIGHTED = frozenset(
    {
        "BATCH_MATMUL",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "TRANSPOSE_CONV",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
    }
)

_WHILE = "WHILE"
_MISSING = "not in TensorFlow Lite Micro"
_HALF = "TensorFlow Lite Micro cannot unpack float16 weights; use float32 or int8"
_HYBRID = "TensorFlow Lite Micro has no kernel for int8 weights with float values; use int8"
_LOOP = (
    "a loop, as unfused recurrent layers are; it can hang in TensorFlow Lite Micro (tflite-micro "
    "issue 3674), so only a run there proves it"
)


@dataclass(frozen=True)
class Use:
    """How a file uses one operator.

    Attributes:
        name: as the schema calls it.
        count: operators of this name in all subgraphs.
        micro: whether TensorFlow Lite Micro runs it as it is used here.
        note: why not, or what there is to know; may be empty.
        method: what adds it to a resolver of TensorFlow Lite Micro; None where nothing can.
    """

    name: str
    count: int
    micro: bool
    note: str
    method: str | None

    def facts(self) -> dict[str, Any]:
        """Return plain values for a report."""
        return {"name": self.name, "count": self.count, "micro": self.micro, "note": self.note}


def uses(flatbuffer: bytes) -> tuple[Use, ...]:
    """Return the operators of a flatbuffer in the order in which they first run.

    Raises:
        ExportError: the bytes are no TensorFlow Lite model.
    """
    found = graphs(flatbuffer)
    steps = [(graph, operator) for graph in found for operator in graph.operators]
    counts = Counter(operator.name for _, operator in steps)
    return tuple(_use(name, count, steps) for name, count in counts.items())


def objections(operators: tuple[Use, ...], *, proved: bool = False) -> list[str]:
    """Return a line for each operator that keeps a file from TensorFlow Lite Micro.

    Args:
        operators: of the file.
        proved: whether the interpreter ran the file, which settles whether its loops end.
    """
    return [
        f"{use.name} (x{use.count}): {use.note}"
        for use in operators
        if not use.micro or (use.name == _WHILE and not proved)
    ]


@cache
def resolver_methods() -> dict[str, str]:
    """Return the operators that TensorFlow Lite Micro has, each with what adds it to a resolver."""
    text = Path(__file__).with_name("micro_operators.txt").read_text(encoding="utf-8")
    rows = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return dict(rows)


def _use(name: str, count: int, steps: list[tuple[Graph, Operator]]) -> Use:
    own = [(graph, operator) for graph, operator in steps if operator.name == name]
    custom = any(operator.custom for _, operator in own)
    method = None if custom else resolver_methods().get(name)
    problem = _problem(own) if method else _MISSING
    return Use(
        name=name,
        count=count,
        micro=not problem,
        note=problem or (_LOOP if name == _WHILE else ""),
        method=method,
    )


def _problem(own: list[tuple[Graph, Operator]]) -> str:
    """Return what TensorFlow Lite Micro refuses in the way that an operator is used."""
    for graph, operator in own:
        kinds = [tensor.kind for tensor in graph.given(operator)]
        if "FLOAT16" in kinds:
            return _HALF
        if operator.name in _WEIGHTED and kinds[0] == "FLOAT32" and {"INT8", "INT4"} & {*kinds}:
            return _HYBRID
    return ""
