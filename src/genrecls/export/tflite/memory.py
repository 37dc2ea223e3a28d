"""How much memory a network needs on a microcontroller, computed from its graph.

TensorFlow Lite Micro lives in one block of memory, the arena. At one end lie the values that pass
between operators, placed by its greedy planner (`greedy_memory_planner.cc` of tflite-micro): the
largest first, each as low as those allow that live at the same time. At the other end lies what
stays: a few structures for each tensor and operator, and the state of recurrent layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from genrecls.export.tflite.flatbuffer import FUSED_LSTM, Graph, graphs

_ALIGNMENT = 16

# Sizes of structures in a 64-bit process, where pointers are twice as long as on a microcontroller;
# fitted to the reports of the interpreter (within 6 %, the persistent part by at most 800 bytes).
_FIXED = 1024
_PER_TENSOR = 24
_PER_OPERATOR = 128
_PER_CHANNEL = 8
_PER_LSTM = 800

_CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"})
_CELL_STATE = 19
_PER_CMSIS_LSTM = 256


@dataclass(frozen=True)
class Arena:
    """Estimated sizes in bytes.

    Attributes:
        activations: what is computed, at its largest.
        persistent: what stays from one run to the next.
    """

    activations: int
    persistent: int

    @property
    def bytes(self) -> int:
        """Size of the whole arena."""
        return self.activations + self.persistent


@dataclass(frozen=True)
class _Block:
    """A piece of memory that is needed from step `first` to step `last`."""

    size: int
    first: int
    last: int


def arena(flatbuffer: bytes) -> Arena:
    """Return the size of the arena that a flatbuffer needs.

    An estimate for the reference kernels; optimised ones, such as CMSIS-NN, ask for some scratch
    memory beside it. The graphs of a loop are counted as if they were needed at the same time.

    Raises:
        ExportError: the bytes are no TensorFlow Lite model.
    """
    subgraphs = graphs(flatbuffer)
    persistent = _FIXED
    for graph in subgraphs:
        persistent += _PER_TENSOR * len(graph.tensors) + _PER_OPERATOR * len(graph.operators)
        persistent += sum(_aligned(tensor.size) for tensor in graph.tensors if tensor.variable)
        for operator in graph.operators:
            if operator.name == FUSED_LSTM:
                persistent += _PER_LSTM
            elif operator.name in _CONVOLUTIONS:
                persistent += _PER_CHANNEL * graph.outputs_of(operator)[0].shape[-1]
            elif operator.name == "FULLY_CONNECTED":
                scales = graph.inputs_of(operator)[1].scales
                persistent += _PER_CHANNEL * scales if scales > 1 else 0
    return Arena(sum(_planned_height([*_blocks(graph)]) for graph in subgraphs), persistent)


def _blocks(graph: Graph) -> Iterator[_Block]:
    """Yield what must be in memory, and when; inputs arrive before the first step."""
    first = dict.fromkeys(graph.inputs, 0)
    last = dict.fromkeys(graph.outputs, len(graph.operators))
    for step, operator in enumerate(graph.operators, start=1):
        for index in operator.outputs:
            first.setdefault(index, step)
            last[index] = max(last.get(index, 0), step)
        for index in operator.inputs:
            last[index] = max(last.get(index, 0), step)
        if operator.name == FUSED_LSTM:
            # While it runs it needs its four gates, each of the size of the cell.
            size = _aligned(graph.tensors[operator.inputs[_CELL_STATE]].size)
            yield from [_Block(size, step, step)] * 4
    for index, step in first.items():
        tensor = graph.tensors[index]
        if tensor.constant is None and not tensor.variable:
            yield _Block(_aligned(tensor.size), step, last.get(index, step))


def _planned_height(blocks: list[_Block]) -> int:
    """Return the height of the memory in which the greedy planner places `blocks`.

    Each gets the lowest offset at which it meets nothing that lives at the same time.
    """
    placed: list[tuple[int, _Block]] = []
    for block in sorted(blocks, key=lambda block: -block.size):
        offset = 0
        for start, other in sorted(placed, key=lambda item: item[0]):
            if other.first > block.last or other.last < block.first:
                continue
            if start - offset >= block.size:
                break
            offset = max(offset, start + other.size)
        placed.append((offset, block))
    return max((offset + block.size for offset, block in placed), default=0)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def cmsis_nn_scratch(flatbuffer: bytes) -> int:
    """Return how many bytes the int8 kernels of CMSIS-NN take at most beside those of an arena.

    A convolution unfolds two columns of its kernel into 16 bits, of which one at a time needs room;
    an LSTM keeps the sums of its eight matrices (`arm_convolve_s8_get_buffer_size` and
    `unidirectional_sequence_lstm.cc` of tflite-micro). On an emulated Cortex-M4 cnn, rnn,
    crnn_micro on MFCC and on mel took 112, 4,480, 2,412 and 2,524 bytes more than the reference
    kernels; this gives 1,152, 4,608, 3,456 and 3,456.

    Raises:
        ExportError: the bytes are no TensorFlow Lite model.
    """
    unfolded, kept = 0, 0
    for graph in graphs(flatbuffer):
        for operator in graph.operators:
            if not operator.inputs or graph.tensors[operator.inputs[0]].kind != "INT8":
                continue
            if operator.name == FUSED_LSTM:
                units = graph.tensors[operator.inputs[_CELL_STATE]].shape[-1]
                kept += 8 * 4 * units + _PER_CMSIS_LSTM
            elif operator.name in _CONVOLUTIONS:
                column = prod(graph.inputs_of(operator)[1].shape[1:])
                unfolded = max(unfolded, _aligned(2 * 2 * column))
    return _aligned(unfolded) + kept
