"""TensorFlow Lite files as objects: read, written, and the small things done to them.

The format is `tensorflow/lite/schema/schema.fbs`; the classes are generated from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16
"""Bytes; the schema asks for it, and a microcontroller that reads whole words relies on it."""


def read(content: bytes) -> Any:
    """Return the `ModelT` of a file."""
    from tensorflow.lite.tools import flatbuffer_utils

    return flatbuffer_utils.read_model_from_bytearray(bytearray(content))


def packed(model: Any) -> bytes:
    """Return the file of a `ModelT`."""
    import flatbuffers

    for buffer in model.buffers:
        buffer.Pack = _AlignedPack(content_of(buffer))
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


class _AlignedPack:
    """Writes a buffer at a multiple of `_ALIGNMENT`, which the generated code forgets to do."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __call__(self, builder: Any) -> Any:
        schema, size, vector = classes(), len(self._content), None
        if size:
            builder.StartVector(1, size, _ALIGNMENT)
            builder.head -= size
            builder.Bytes[builder.head : builder.head + size] = self._content
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


def classes() -> Any:
    """Return the module of generated classes."""
    from tensorflow.lite.python import schema_py_generated

    return schema_py_generated


def content_of(buffer: Any) -> bytes:
    """Return the bytes of a buffer; none for a tensor that is computed."""
    return b"" if buffer.data is None else bytes(buffer.data)


def all_tensors(model: Any) -> Iterator[Any]:
    """Yield the tensors of all subgraphs."""
    for graph in model.subgraphs:
        yield from graph.tensors


def all_operators(model: Any) -> Iterator[Any]:
    """Yield the operators of all subgraphs."""
    for graph in model.subgraphs:
        yield from graph.operators


def is_int8(tensor: Any) -> bool:
    """Return whether a tensor holds 8-bit integers."""
    return bool(tensor.type == classes().TensorType.INT8)


def is_kind(model: Any, operator: Any, kind: str) -> bool:
    """Return whether `operator` is one of the built-in `kind`."""
    code = model.operatorCodes[operator.opcodeIndex]
    found = max(code.builtinCode, code.deprecatedBuiltinCode)
    return bool(found == getattr(classes().BuiltinOperator, kind))


def translation(model: Any, kind: str, source: int, target: int) -> Any:
    """Return an operator QUANTIZE (also from one scale to another) or DEQUANTIZE."""
    schema = classes()
    code = schema.OperatorCodeT()
    code.deprecatedBuiltinCode = code.builtinCode = getattr(schema.BuiltinOperator, kind)
    # The second version of DEQUANTIZE is the first that knows int8.
    code.version = 2 if kind == "DEQUANTIZE" else 1
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = [source], [target]
    return operator


def compact(model: Any) -> None:
    """Drop what is never read: operators, tensors, kinds of operators and all but one of equals."""
    for graph in model.subgraphs:
        _drop_operators(graph)
        _drop_tensors(graph)
    _drop_codes(model)
    _share_buffers(model)


def _drop_operators(graph: Any) -> None:
    kept: list[Any] = []
    read_later = set(graph.outputs)
    for operator in reversed(graph.operators):
        if read_later & set(operator.outputs):
            kept.append(operator)
            read_later |= set(operator.inputs)
    graph.operators = kept[::-1]


def _drop_tensors(graph: Any) -> None:
    used = {*graph.inputs, *graph.outputs}
    for operator in graph.operators:
        for name in _LISTS:
            used |= set(_list(operator, name))
    kept = sorted(used - {-1})
    places = {-1: -1} | {index: place for place, index in enumerate(kept)}
    for operator in graph.operators:
        for name in _LISTS:
            if getattr(operator, name) is not None:
                setattr(operator, name, [places[index] for index in _list(operator, name)])
    graph.inputs = [places[index] for index in graph.inputs]
    graph.outputs = [places[index] for index in graph.outputs]
    graph.tensors = [graph.tensors[index] for index in kept]


_LISTS = ("inputs", "outputs", "intermediates")


def _list(operator: Any, name: str) -> list[int]:
    """Return indices of tensors; -1 stands for an optional one that is left out."""
    found = getattr(operator, name)
    return [] if found is None else [int(index) for index in found]


def _drop_codes(model: Any) -> None:
    used = sorted({operator.opcodeIndex for operator in all_operators(model)})
    for operator in all_operators(model):
        operator.opcodeIndex = used.index(operator.opcodeIndex)
    model.operatorCodes = [model.operatorCodes[index] for index in used]


def _share_buffers(model: Any) -> None:
    """Keep one buffer of each content; an unrolled loop has the same weights at every step."""
    places: dict[bytes, int] = {b"": 0}
    kept = [classes().BufferT()]
    for tensor in all_tensors(model):
        buffer = model.buffers[tensor.buffer]
        content = content_of(buffer)
        if content not in places:
            places[content] = len(kept)
            kept.append(buffer)
        tensor.buffer = places[content]
    model.buffers = kept
