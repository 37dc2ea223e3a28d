"""Which operators an exported file needs, and whether TensorFlow Lite Micro has them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from genrecls.export.tflite.flatbuffer import FUSED_LSTM, Graph, Operator, graphs
from genrecls.runs.export_facts import OperatorUse

_WEIGHTED = frozenset(
    {
        "BATCH_MATMUL",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "TRANSPOSE_CONV",
        FUSED_LSTM,
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


def operator_uses(flatbuffer: bytes) -> tuple[OperatorUse, ...]:
    """Return the operators of a flatbuffer in the order in which they first run.

    Raises:
        ExportError: the bytes are no TensorFlow Lite model.
    """
    by_name: dict[str, list[tuple[Graph, Operator]]] = {}
    for graph in graphs(flatbuffer):
        for operator in graph.operators:
            by_name.setdefault(operator.name, []).append((graph, operator))
    uses = []
    for name, places in by_name.items():
        custom = any(operator.custom for _, operator in places)
        method = None if custom else resolver_methods().get(name)
        kinds = [[tensor.kind for tensor in graph.inputs_of(one)] for graph, one in places]
        problem = ""
        if method is None:
            problem = _MISSING
        elif any("FLOAT16" in inputs for inputs in kinds):
            problem = _HALF
        elif name in _WEIGHTED and any(
            inputs[:1] == ["FLOAT32"] and {"INT8", "INT4"} & {*inputs} for inputs in kinds
        ):
            problem = _HYBRID
        note = problem or (_LOOP if name == _WHILE else "")
        uses.append(OperatorUse(name, len(places), micro=not problem, note=note, method=method))
    return tuple(uses)


def objections(operators: tuple[OperatorUse, ...], *, proved: bool = False) -> list[str]:
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
