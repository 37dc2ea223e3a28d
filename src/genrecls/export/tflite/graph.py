"""A flatbuffer taken apart: tensors and operators by name, for those that count and judge them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

from genrecls.errors import ExportError

_BYTES = {"INT4": 0.5, "INT8": 1, "UINT8": 1, "BOOL": 1, "INT16": 2, "FLOAT16": 2, "FLOAT32": 4}
_BYTES |= {"INT32": 4, "UINT32": 4, "RESOURCE": 4, "INT64": 8, "FLOAT64": 8, "COMPLEX64": 8}


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

    def given(self, operator: Operator) -> tuple[Tensor, ...]:
        """Return the inputs of `operator` that are there."""
        return tuple(self.tensors[index] for index in operator.inputs if index >= 0)

    def made(self, operator: Operator) -> tuple[Tensor, ...]:
        """Return the outputs of `operator`."""
        return tuple(self.tensors[index] for index in operator.outputs)


def graphs(flatbuffer: bytes) -> tuple[Graph, ...]:
    """Return the subgraphs of a flatbuffer; the first one is the model.

    Raises:
        ExportError: the bytes are no TensorFlow Lite model.
    """
    from ai_edge_litert import schema_py_generated as schema

    if flatbuffer[4:8] != b"TFL3":
        raise ExportError(
            "expected a TensorFlow Lite flatbuffer, received other bytes; export the run again"
        )
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(flatbuffer, 0))
    codes = [_code(code) for code in model.operatorCodes or ()]
    return tuple(_graph(model, subgraph, codes) for subgraph in model.subgraphs)


def _graph(model: Any, subgraph: Any, codes: list[tuple[str, bool]]) -> Graph:
    return Graph(
        tensors=tuple(_tensor(model, tensor) for tensor in subgraph.tensors),
        operators=tuple(
            _operator(operator, *codes[operator.opcodeIndex])
            for operator in _listed(subgraph.operators)
        ),
        inputs=_indices(subgraph.inputs),
        outputs=_indices(subgraph.outputs),
    )


def _operator(operator: Any, name: str, custom: bool) -> Operator:
    inputs, outputs = _indices(operator.inputs), _indices(operator.outputs)
    return Operator(name, custom, inputs, outputs, operator.builtinOptions)


def _tensor(model: Any, tensor: Any) -> Tensor:
    data = model.buffers[tensor.buffer].data
    scales = _listed(tensor.quantization and tensor.quantization.scale)
    zero_points = _listed(tensor.quantization and tensor.quantization.zeroPoint)
    return Tensor(
        name=tensor.name.decode() if tensor.name else "",
        shape=_indices(tensor.shape),
        kind=_names("TensorType")[tensor.type],
        constant=None if data is None else bytes(data),
        variable=bool(tensor.isVariable),
        scales=len(scales),
        scale=float(scales[0]) if len(scales) else 1.0,
        zero_point=int(zero_points[0]) if len(zero_points) else 0,
    )


def _code(code: Any) -> tuple[str, bool]:
    # The schema began with one byte and kept it for files that old readers understand.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    name = _names("BuiltinOperator")[number]
    return (code.customCode.decode(), True) if name == "CUSTOM" else (name, False)


@cache
def _names(enumeration: str) -> dict[int, str]:
    from ai_edge_litert import schema_py_generated as schema

    members = vars(getattr(schema, enumeration))
    return {value: name for name, value in members.items() if isinstance(value, int)}


def _indices(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in _listed(values))


def _listed(values: Any) -> Any:
    """Return an absent vector of the schema as an empty one."""
    return () if values is None else values
