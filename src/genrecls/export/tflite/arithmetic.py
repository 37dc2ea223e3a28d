"""How many multiply-accumulates one run of an exported file takes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from genrecls.export.tflite.graph import Graph, Operator, graphs

_LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"

# Products that make up each value of the output.
_TERMS: dict[str, Callable[[Operator, Graph], int]] = {
    "CONV_2D": lambda operator, graph: prod(graph.given(operator)[1].shape[1:]),
    "DEPTHWISE_CONV_2D": lambda operator, graph: prod(graph.given(operator)[1].shape[1:3]),
    "FULLY_CONNECTED": lambda operator, graph: graph.given(operator)[1].shape[-1],
    "BATCH_MATMUL": lambda operator, graph: graph.given(operator)[0].shape[
        -2 if operator.options.adjX else -1
    ],
}


def macs(flatbuffer: bytes) -> int:
    """Return the multiply-accumulates of one inference.

    Convolutions, dense layers, matrix products and LSTMs are counted, also within loops;
    element-wise work is not.

    Raises:
        ExportError: the bytes are no TensorFlow Lite model.
    """
    found = graphs(flatbuffer)
    return _macs(found[0], found)


def _macs(graph: Graph, all_graphs: tuple[Graph, ...]) -> int:
    return sum(_of(operator, graph, all_graphs) for operator in graph.operators)


def _of(operator: Operator, graph: Graph, all_graphs: tuple[Graph, ...]) -> int:
    if operator.name == "WHILE":
        return _loop(operator, all_graphs)
    if operator.name == _LSTM:
        return _lstm(operator, graph)
    if operator.name in _TERMS:
        return graph.made(operator)[0].elements * _TERMS[operator.name](operator, graph)
    return 0


def _loop(operator: Operator, all_graphs: tuple[Graph, ...]) -> int:
    body = all_graphs[operator.options.bodySubgraphIndex]
    return _steps(all_graphs[operator.options.condSubgraphIndex]) * _macs(body, all_graphs)


def _lstm(operator: Operator, graph: Graph) -> int:
    """Count each weight of the four gates once a step; its inputs 1 to 8 are the matrices."""
    matrices = (graph.tensors[index] for index in operator.inputs[1:9] if index >= 0)
    steps = graph.tensors[operator.inputs[0]].shape[1]
    return steps * sum(matrix.elements for matrix in matrices)


def _steps(condition: Graph) -> int:
    """Return how often a loop runs: the constant that its counter is compared with, else 1."""
    limits = [
        int.from_bytes(tensor.constant, "little")
        for operator in condition.operators
        if operator.name == "LESS"
        for tensor in condition.given(operator)
        if tensor.constant is not None and tensor.kind == "INT32" and tensor.elements == 1
    ]
    return min(limits, default=1)
