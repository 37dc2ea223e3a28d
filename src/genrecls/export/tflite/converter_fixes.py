"""TensorFlow Lite files tidied up, and a front end and a network made one file."""

from __future__ import annotations

from copy import copy
from typing import Any

from genrecls.errors import ExportError
from genrecls.export.tflite.schema import (
    all_operators,
    all_tensors,
    classes,
    compact,
    is_int8,
    is_kind,
    packed,
    read,
    translation,
)

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


OUTPUT = "probabilities"
"""Name of the output tensor of every exported file."""


def cleaned(content: bytes) -> bytes:
    """Return what the converter wrote, repaired, small, with the names of the model's inputs.

    Raises:
        ExportError: an operator is not built in, so that no device could run it.
    """
    model = read(content)
    _require_builtin(model)
    repair(model)
    _rename(model)
    _forget(model)
    compact(model)
    return packed(model)


def concatenate(front_end: bytes, network: bytes) -> bytes:
    """Return one file that feeds the output of `front_end` to `network`.

    Nothing in either is converted again, so a front end that was written in float stays so. Where
    the network takes or gives integers, operators in between translate: the whole takes and gives
    float.

    Args:
        front_end: a tidied file with one float output and no loops.
        network: a tidied file with one input and one output.
    """
    front, model = read(front_end), read(network)
    source, main = front.subgraphs[0], model.subgraphs[0]
    (entry,), (front_output,) = main.inputs, source.outputs
    main.tensors[entry].name = source.tensors[front_output].name = None
    quantised = is_int8(main.tensors[entry])
    places = _taken_over(front, model, {} if quantised else {front_output: entry})
    joint = [translation(model, "QUANTIZE", places[front_output], entry)] if quantised else []
    main.operators = [*_moved(front, model, places), *joint, *main.operators, *_float_output(model)]
    main.inputs = [places[index] for index in source.inputs]
    compact(model)
    return packed(model)


def _require_builtin(model: Any) -> None:
    foreign = [code.customCode for code in model.operatorCodes if code.customCode]
    if foreign:
        names = ", ".join(name.decode() for name in foreign)
        raise ExportError(
            f"the converter wrote operators that are not built in ({names}), which no device runs; "
            "use layers of the model families as they are"
        )


def _rename(model: Any) -> None:
    """Name inputs as in the model, the output `OUTPUT`, and nothing else at all."""
    for tensor in all_tensors(model):
        tensor.name = None
    (signature,) = model.signatureDefs
    tensors = model.subgraphs[0].tensors
    for source in signature.inputs:
        tensors[source.tensorIndex].name = source.name
    (output,) = signature.outputs
    tensors[output.tensorIndex].name = OUTPUT


def _forget(model: Any) -> None:
    """Leave out what only the converter needed: metadata, signatures, statistics."""
    model.description = model.metadata = model.metadataBuffer = model.signatureDefs = None
    for graph in model.subgraphs:
        graph.name = None
    for tensor in all_tensors(model):
        # Inside a loop there are shapes that LiteRT finds out as it runs; the others say nothing.
        if tensor.shapeSignature is not None and min(tensor.shapeSignature, default=0) >= 0:
            tensor.shapeSignature = None
        if tensor.quantization is not None:
            tensor.quantization.min = tensor.quantization.max = None
            if tensor.quantization.scale is None:
                tensor.quantization = None


def _taken_over(front: Any, model: Any, places: dict[int, int]) -> dict[int, int]:
    """Put the tensors of `front` behind those of `model`; return where each one went.

    Args:
        front: file whose tensors move, with their buffers.
        model: file that takes them.
        places: tensors of `front` that already have a place there.
    """
    first, tensors = len(model.buffers), model.subgraphs[0].tensors
    model.buffers.extend(front.buffers)
    for index, tensor in enumerate(front.subgraphs[0].tensors):
        if index not in places:
            tensor.buffer += first
            places[index] = len(tensors)
            tensors.append(tensor)
    return places


def _moved(front: Any, model: Any, places: dict[int, int]) -> list[Any]:
    """Return the operators of `front` as operators of `model`."""
    first = len(model.operatorCodes)
    model.operatorCodes.extend(front.operatorCodes)
    operators = list(front.subgraphs[0].operators)
    for operator in operators:
        operator.opcodeIndex += first
        # An optional input that is left out is -1.
        operator.inputs = [places.get(index, -1) for index in operator.inputs]
        operator.outputs = [places[index] for index in operator.outputs]
    return operators


def _float_output(model: Any) -> list[Any]:
    """Return what makes the output float, if it is not."""
    main, schema = model.subgraphs[0], classes()
    (output,) = main.outputs
    if not is_int8(main.tensors[output]):
        return []
    tensor = schema.TensorT()
    tensor.shape, tensor.type = main.tensors[output].shape, schema.TensorType.FLOAT32
    tensor.name, main.tensors[output].name = main.tensors[output].name, None
    main.outputs = [len(main.tensors)]
    main.tensors.append(tensor)
    return [translation(model, "DEQUANTIZE", output, main.outputs[0])]
