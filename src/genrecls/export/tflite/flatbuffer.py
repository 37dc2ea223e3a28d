"""TensorFlow Lite files: read, written, tidied, and shown as plain values with names.

The format is `tensorflow/lite/schema/schema.fbs`; the classes are generated from it. Code that
changes a file works on its `ModelT` (`read`, `pack`); code that counts and judges takes `graphs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

from genrecls.errors import ExportError, first_line

FUSED_LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
"""The operator that computes a whole LSTM layer."""

_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16
"""Bytes; the schema asks for it, and a microcontroller that reads whole words relies on it."""

_BYTES = {"INT4": 0.5, "INT8": 1, "UINT8": 1, "BOOL": 1, "INT16": 2, "FLOAT16": 2, "FLOAT32": 4}
_BYTES |= {"INT32": 4, "UINT32": 4, "RESOURCE": 4, "INT64": 8, "FLOAT64": 8, "COMPLEX64": 8}

# The fields of an operator that list tensors.
_TENSOR_LISTS = ("inputs", "outputs", "intermediates")


@dataclass(frozen=True)
class Tensor:
    """One value of the graph.

    Attributes:
        shape: batch axis included; empty for a scalar.
        kind: element type as the schema calls it, such as `INT8`.
        constant: its bytes, where it lies in the file; None where it is computed.
        variable: whether it is kept from one run to the next, as the state of an LSTM.
        scales: number of quantisation scales; 0 where it is not quantised.
        scale, zero_point: a value is `scale` times what is stored less `zero_point`; the first ones
            where there are several.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    constant: bytes | None
    variable: bool
    scales: int
    scale: float
    zero_point: int

    @property
    def elements(self) -> int:
        """Number of values."""
        return prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return int(self.elements * _BYTES.get(self.kind, 4))


@dataclass(frozen=True)
class Operator:
    """One step of the graph.

    Attributes:
        name: as the schema calls it, such as `CONV_2D`; of a custom one, its own name.
        custom: whether it is not part of the schema.
        inputs: indices of tensors, -1 where an optional one is absent.
        outputs: indices of tensors.
        options: the settings of the operator as the schema has them; may be None.
    """

    name: str
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


@dataclass(frozen=True)
class Graph:
    """One subgraph, operators in the order in which they run.

    Attributes:
        inputs, outputs: indices of tensors.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def inputs_of(self, operator: Operator) -> tuple[Tensor, ...]:
        """Return the inputs of `operator`, without optional ones that are absent."""
        return tuple(self.tensors[index] for index in operator.inputs if index >= 0)

    def outputs_of(self, operator: Operator) -> tuple[Tensor, ...]:
        """Return the outputs of `operator`."""
        return tuple(self.tensors[index] for index in operator.outputs)


def graphs(flatbuffer: bytes) -> tuple[Graph, ...]:
    """Return the subgraphs of a flatbuffer; the first one is the model.

    Raises:
        ExportError: the bytes are no TensorFlow Lite model.
    """
    model = read(flatbuffer)
    with _refusing_damage():
        return _graphs(model)


@contextmanager
def _refusing_damage() -> Iterator[None]:
    """Turn whatever the generated classes raise, or their values lead to, into one line."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - offsets and indices that lead anywhere
        reason = first_line(error)
        raise ExportError(
            f"the TensorFlow Lite flatbuffer is damaged ({reason}); export the run again"
        ) from None


def _graphs(model: Any) -> tuple[Graph, ...]:
    kinds: list[tuple[str, bool]] = []
    for code in model.operatorCodes or ():
        name = _names("BuiltinOperator")[_builtin(code)]
        kinds.append((code.customCode.decode(), True) if name == "CUSTOM" else (name, False))
    subgraphs = []
    for graph in model.subgraphs:
        operators = []
        for operator in graph.operators or ():
            name, custom = kinds[operator.opcodeIndex]
            inputs, outputs = _indices(operator.inputs), _indices(operator.outputs)
            operators.append(Operator(name, custom, inputs, outputs, operator.builtinOptions))
        tensors = []
        for tensor in graph.tensors:
            data, quantization = model.buffers[tensor.buffer].data, tensor.quantization
            scales = _values(quantization and quantization.scale)
            zero_points = _values(quantization and quantization.zeroPoint)
            known = Tensor(
                name=tensor.name.decode() if tensor.name else "",
                shape=_indices(tensor.shape),
                kind=_names("TensorType")[tensor.type],
                constant=None if data is None else bytes(data),
                variable=bool(tensor.isVariable),
                scales=len(scales),
                scale=float(scales[0]) if len(scales) else 1.0,
                zero_point=int(zero_points[0]) if len(zero_points) else 0,
            )
            tensors.append(known)
        inputs, outputs = _indices(graph.inputs), _indices(graph.outputs)
        named = {*inputs, *outputs}.union(*(one.inputs + one.outputs for one in operators))
        if named and not -1 <= min(named) <= max(named) < len(tensors):
            raise ValueError(f"tensor {max(named)} of {len(tensors)}")
        subgraphs.append(Graph(tuple(tensors), tuple(operators), inputs, outputs))
    return tuple(subgraphs)


@cache
def _names(enumeration: str) -> dict[int, str]:
    """Return what an enumeration of the schema calls its numbers."""
    members = vars(getattr(schema(), enumeration))
    return {value: name for name, value in members.items() if isinstance(value, int)}


def _builtin(code: Any) -> int:
    # The schema began with one byte and kept it for files that old readers understand.
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _values(vector: Any) -> Any:
    """Return a vector of the schema; an absent one is empty."""
    return () if vector is None else vector


def _indices(vector: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in _values(vector))


def schema() -> Any:
    """Return the module of generated classes."""
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


def read(flatbuffer: bytes) -> Any:
    """Return the `ModelT` of a file.

    Raises:
        ExportError: the bytes are no TensorFlow Lite model.
    """
    if flatbuffer[4:8] != _IDENTIFIER:
        raise ExportError(
            "expected a TensorFlow Lite flatbuffer, received other bytes; export the run again"
        )
    with _refusing_damage():
        return schema().ModelT.InitFromObj(schema().Model.GetRootAsModel(bytearray(flatbuffer), 0))


def pack(model: Any) -> bytes:
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
        size, vector = len(self._content), None
        if size:
            builder.StartVector(1, size, _ALIGNMENT)
            builder.head -= size
            builder.Bytes[builder.head : builder.head + size] = self._content
            vector = builder.EndVector()
        schema().BufferStart(builder)
        if vector is not None:
            schema().BufferAddData(builder, vector)
        return schema().BufferEnd(builder)


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
    return bool(tensor.type == schema().TensorType.INT8)


def is_kind(model: Any, operator: Any, kind: str) -> bool:
    """Return whether `operator` is one of the built-in `kind`."""
    code = model.operatorCodes[operator.opcodeIndex]
    return bool(_builtin(code) == getattr(schema().BuiltinOperator, kind))


def compact(model: Any) -> None:
    """Drop what is never read: operators, tensors, kinds of operators and all but one of equals."""
    for graph in model.subgraphs:
        # From the last operator to the first: one stays if something later reads what it gives.
        kept, read_later = [], set(graph.outputs)
        for operator in reversed(graph.operators):
            if read_later & set(operator.outputs):
                kept.append(operator)
                read_later |= set(operator.inputs)
        graph.operators = kept[::-1]
        _drop_tensors(graph)
    used = sorted({operator.opcodeIndex for operator in all_operators(model)})
    for operator in all_operators(model):
        operator.opcodeIndex = used.index(operator.opcodeIndex)
    model.operatorCodes = [model.operatorCodes[index] for index in used]
    # One buffer of each content: an unrolled loop has the same weights at every step.
    places: dict[bytes, int] = {b"": 0}
    buffers = [schema().BufferT()]
    for tensor in all_tensors(model):
        content = content_of(model.buffers[tensor.buffer])
        if content not in places:
            places[content] = len(buffers)
            buffers.append(model.buffers[tensor.buffer])
        tensor.buffer = places[content]
    model.buffers = buffers


def _drop_tensors(graph: Any) -> None:
    """Drop the tensors that nothing reads or writes, and number the others anew."""
    lists = {
        (operator, field): _indices(getattr(operator, field))
        for operator in graph.operators
        for field in _TENSOR_LISTS
        if getattr(operator, field) is not None
    }
    used = {*graph.inputs, *graph.outputs}.union(*lists.values())
    # An optional tensor that is left out is -1.
    kept = sorted(used - {-1})
    places = {-1: -1} | {index: place for place, index in enumerate(kept)}
    for (operator, field), indices in lists.items():
        setattr(operator, field, [places[index] for index in indices])
    graph.inputs = [places[index] for index in graph.inputs]
    graph.outputs = [places[index] for index in graph.outputs]
    graph.tensors = [graph.tensors[index] for index in kept]
