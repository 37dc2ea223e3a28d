"""How many multiply-accumulates one run of an exported file takes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from genrecls.export.tflite.flatbuffer import FUSED_LSTM, Graph, Operator, graphs
from genrecls.models.cost import multiply_accumulates

# Of the second input of these operators, the axes of one kernel.
_KERNEL_AXES = {
    "CONV_2D": slice(None),
    "DEPTHWISE_CONV_2D": slice(None),
    "FULLY_CONNECTED": slice(None),
    "BATCH_MATMUL": slice(-2, None),
}


def macs(flatbuffer: bytes) -> int:
    """Return the multiply-accumulates of one inference.

    Convolutions, dense layers, matrix products and LSTMs are counted, also within loops;
    element-wise work is not.

    Raises:
        ExportError: the bytes are no TensorFlow Lite model.
    """
    subgraphs = graphs(flatbuffer)
    return _macs_of_graph(subgraphs[0], subgraphs)


def lstm_macs(flatbuffer: bytes) -> int:
    """Return how many of the multiply-accumulates of one inference are those of fused LSTMs.

    Raises:
        ExportError: the bytes are no TensorFlow Lite model.
    """
    return sum(
        _macs_of_lstm(graph, operator)
        for graph in graphs(flatbuffer)
        for operator in graph.operators
        if operator.name == FUSED_LSTM
    )


def _macs_of_lstm(graph: Graph, operator: Operator) -> int:
    # Its inputs 1 to 8 are the matrices of the four gates; each is used once a time step.
    matrices = [graph.tensors[index].shape for index in operator.inputs[1:9] if index >= 0]
    return multiply_accumulates(matrices, graph.tensors[operator.inputs[0]].shape[1])


def _macs_of_graph(graph: Graph, subgraphs: Sequence[Graph]) -> int:
    total = 0
    for operator in graph.operators:
        if operator.name == "WHILE":
            body = subgraphs[operator.options.bodySubgraphIndex]
            condition = subgraphs[operator.options.condSubgraphIndex]
            total += _steps(condition) * _macs_of_graph(body, subgraphs)
        elif operator.name == FUSED_LSTM:
            total += _macs_of_lstm(graph, operator)
        elif operator.name in _KERNEL_AXES:
            kernel = graph.inputs_of(operator)[1].shape[_KERNEL_AXES[operator.name]]
            positions = prod(graph.outputs_of(operator)[0].shape[:-1])
            total += multiply_accumulates([kernel], positions)
    return total


def _steps(condition: Graph) -> int:
    """Return how often a loop runs: the constant that its counter is compared with, else 1."""
    limits = [
        int.from_bytes(tensor.constant, "little")
        for operator in condition.operators
        if operator.name == "LESS"
        for tensor in condition.inputs_of(operator)
        if tensor.constant is not None and tensor.kind == "INT32" and tensor.elements == 1
    ]
    return min(limits, default=1)
