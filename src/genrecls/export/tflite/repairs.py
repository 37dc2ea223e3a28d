"""What the converter gets wrong, put right in the file that it wrote."""

from __future__ import annotations

from copy import copy
from typing import Any

from genrecls.export.tflite.schema import all_operators, is_int8, is_kind, translation

_LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
_STATE = 18
"""Place of the hidden state among the inputs of that operator."""


def repair(model: Any) -> None:
    """Make a converted network compute what it was converted from."""
    _unclip(model)
    for graph in model.subgraphs:
        _tell_scales(model, graph)
        _join_islands(model, graph)


def _unclip(model: Any) -> None:
    """Let the cells of LSTMs grow as in Keras; the converter holds them below 10."""
    for operator in all_operators(model):
        if hasattr(operator.builtinOptions, "cellClip"):
            operator.builtinOptions.cellClip = 0.0


def _tell_scales(model: Any, graph: Any) -> None:
    """Let state and output of an int8 LSTM have the scale that the operator writes them with.

    That is the scale of its last intermediate tensor. Where the output is concatenated, as in a
    bidirectional layer, the converter gives all parts one scale, and the state a third: what was
    written with one is read with another, several times too large.
    """
    operators = []
    for operator in graph.operators:
        operators.append(operator)
        state = graph.tensors[operator.inputs[_STATE]] if is_kind(model, operator, _LSTM) else None
        if state is not None and is_int8(state):
            (output,) = operator.outputs
            written = copy(graph.tensors[output])
            hidden = graph.tensors[operator.intermediates[-1]]
            state.quantization = written.quantization = hidden.quantization
            if _scale(hidden) != _scale(graph.tensors[output]):
                operator.outputs = [len(graph.tensors)]
                operators.append(translation(model, "QUANTIZE", len(graph.tensors), output))
                graph.tensors.append(written)
    graph.operators = operators


def _scale(tensor: Any) -> tuple[float, int]:
    return float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])


def _join_islands(model: Any, graph: Any) -> None:
    """Let int8 networks compute ELU in int8: the runtimes can, but the converter does not know.

    It writes DEQUANTIZE, ELU, QUANTIZE, which costs a device three passes and float arithmetic.
    """
    makers = {output: operator for operator in graph.operators for output in operator.outputs}
    for last in graph.operators:
        chain = [last]
        while len(chain) < 3 and chain[-1].inputs[0] in makers:
            chain.append(makers[chain[-1].inputs[0]])
        kinds = ("QUANTIZE", "ELU", "DEQUANTIZE")
        if [is_kind(model, *pair) for pair in zip(chain, kinds, strict=False)] == [True] * 3:
            _, elu, first = chain
            last.opcodeIndex, last.inputs = elu.opcodeIndex, first.inputs
            last.builtinOptionsType, last.builtinOptions = 0, None
