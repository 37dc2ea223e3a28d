"""Corrections of what TensorFlow's converter writes; a front end and a network made one file."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from genrecls.errors import ExportError
from genrecls.export.tflite.flatbuffer import (
    FUSED_LSTM,
    all_tensors,
    compact,
    is_int8,
    is_kind,
    pack,
    read,
    schema,
)

OUTPUT = "probabilities"
"""Name of the output tensor of every exported file."""

_STATE = 18
"""Place of the hidden state among the inputs of a fused LSTM."""


def clean(content: bytes, inputs: Sequence[str] = ()) -> bytes:
    """Return what the converter wrote, corrected, small, with the names of the model's inputs.

    Args:
        content: the file.
        inputs: those names, in order, where no signature in the file says them.

    Raises:
        ExportError: an operator is not built in, so that no device could run it.
    """
    model = read(content)
    foreign = [code.customCode.decode() for code in model.operatorCodes if code.customCode]
    if foreign:
        raise ExportError(
            f"the converter wrote operators that are not built in ({', '.join(foreign)}), which no "
            "device runs; use layers of the model families as they are"
        )
    main = model.subgraphs[0]
    # Inputs are called as in the model; what only the converter needed is dropped.
    names = dict(zip(main.inputs, inputs, strict=False))
    names |= {x.tensorIndex: x.name for only in model.signatureDefs or () for x in only.inputs}
    for graph in model.subgraphs:
        graph.name = None
        _correct_lstms(model, graph)
        _compute_elu_in_int8(model, graph)
    for tensor in all_tensors(model):
        tensor.name = None
        # Inside a loop there are shapes that LiteRT finds out as it runs; the others say nothing.
        if tensor.shapeSignature is not None and min(tensor.shapeSignature, default=0) >= 0:
            tensor.shapeSignature = None
        if tensor.quantization is not None:
            tensor.quantization.min = tensor.quantization.max = None
            if tensor.quantization.scale is None:
                tensor.quantization = None
    for index, name in names.items():
        main.tensors[index].name = name
    (output,) = main.outputs
    main.tensors[output].name = OUTPUT
    model.description = model.metadata = model.metadataBuffer = model.signatureDefs = None
    compact(model)
    return pack(model)


def _correct_lstms(model: Any, graph: Any) -> None:
    """Let the cells of LSTMs grow, and give an int8 LSTM the scales that it writes values with.

    The converter holds the cells below 10, which Keras does not. The scale of state and output is
    that of the last intermediate tensor. Where the output is concatenated, as in a bidirectional
    layer, the converter gives all parts one scale, and the state a third: what was written with one
    is read with another, several times too large.
    """
    operators = []
    for operator in graph.operators:
        operators.append(operator)
        if hasattr(operator.builtinOptions, "cellClip"):
            operator.builtinOptions.cellClip = 0.0
        if not is_kind(model, operator, FUSED_LSTM):
            continue
        state = graph.tensors[operator.inputs[_STATE]]
        if not is_int8(state):
            continue
        (output,) = operator.outputs
        written = copy(graph.tensors[output])
        hidden = graph.tensors[operator.intermediates[-1]].quantization
        expected = graph.tensors[output].quantization
        state.quantization = written.quantization = hidden
        if (hidden.scale[0], hidden.zeroPoint[0]) != (expected.scale[0], expected.zeroPoint[0]):
            operator.outputs = [len(graph.tensors)]
            operators.append(_conversion(model, "QUANTIZE", len(graph.tensors), output))
            graph.tensors.append(written)
    graph.operators = operators


def _compute_elu_in_int8(model: Any, graph: Any) -> None:
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


def concatenate(front_end: bytes, network: bytes) -> bytes:
    """Return one file that feeds the output of `front_end` to `network`.

    Nothing in either is converted again, so a front end that was written in float stays so. Where
    the network takes or gives integers, operators in between convert: the whole takes and gives
    float.

    Args:
        front_end: a cleaned file with one float output and no loops.
        network: a cleaned file with one input and one output.
    """
    front, model = read(front_end), read(network)
    source, main = front.subgraphs[0], model.subgraphs[0]
    (entry,), (front_output,), (output,) = main.inputs, source.outputs, main.outputs
    main.tensors[entry].name = source.tensors[front_output].name = None
    quantised = is_int8(main.tensors[entry])

    # The tensors of the front end and their buffers go behind those of the network. In float the
    # output of the one is the input of the other.
    places = {} if quantised else {front_output: entry}
    for index, tensor in enumerate(source.tensors):
        if index not in places:
            tensor.buffer += len(model.buffers)
            places[index] = len(main.tensors)
            main.tensors.append(tensor)
    model.buffers.extend(front.buffers)
    joint = [_conversion(model, "QUANTIZE", places[front_output], entry)] if quantised else []

    # Its operators go before those of the network; an optional input that is left out is -1.
    for operator in source.operators:
        operator.opcodeIndex += len(model.operatorCodes)
        operator.inputs = [places.get(index, -1) for index in operator.inputs]
        operator.outputs = [places[index] for index in operator.outputs]
    model.operatorCodes.extend(front.operatorCodes)
    main.operators = [*source.operators, *joint, *main.operators]
    main.inputs = [places[index] for index in source.inputs]

    if is_int8(main.tensors[output]):
        probabilities = schema().TensorT()
        probabilities.shape = main.tensors[output].shape
        probabilities.type = schema().TensorType.FLOAT32
        probabilities.name, main.tensors[output].name = main.tensors[output].name, None
        main.outputs = [len(main.tensors)]
        main.tensors.append(probabilities)
        main.operators.append(_conversion(model, "DEQUANTIZE", output, main.outputs[0]))
    compact(model)
    return pack(model)


def _conversion(model: Any, kind: str, source: int, target: int) -> Any:
    """Return an operator QUANTIZE (also from one scale to another) or DEQUANTIZE."""
    code = schema().OperatorCodeT()
    code.deprecatedBuiltinCode = code.builtinCode = getattr(schema().BuiltinOperator, kind)
    # The second version of DEQUANTIZE is the first that knows int8.
    code.version = 2 if kind == "DEQUANTIZE" else 1
    model.operatorCodes.append(code)
    operator = schema().OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = [source], [target]
    return operator
