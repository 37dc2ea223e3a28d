"""Writes as C++ what surrounds a network on a microcontroller: labels, scales, feature tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.export.bundle.c_sources import fill
from genrecls.export.tflite.graph import Tensor, graphs
from genrecls.features.base import FeatureSpec
from genrecls.features.mel import Mel, MelSettings
from genrecls.features.mfcc import Mfcc
from genrecls.features.segmentation import SegmentRule
from genrecls.runtime.network import DEVIATION, MEAN

_ELEMENTS = {"INT8": "std::int8_t", "FLOAT32": "float"}


@dataclass(frozen=True)
class Row:
    """One mel filter without the zeros at its ends.

    Attributes:
        first: its first bin.
        length: number of bins.
        offset: place of its first weight among the weights of all filters.
    """

    first: int
    length: int
    offset: int


@dataclass(frozen=True, eq=False)
class FrontEndTables:
    """What a device computes features with.

    Attributes:
        samples: samples of one segment.
        padding: zeros in front of and behind them.
        frames: frames of one segment.
        filters: one row for each mel band.
        weights: of all filters, one after the other.
        cosine: shape (n_mels, n_mfcc); None where the bands themselves are the features.
        top_db: decibels kept below the loudest value; None for all.
    """

    samples: int
    padding: int
    frames: int
    filters: tuple[Row, ...]
    weights: NDArray[np.float32]
    cosine: NDArray[np.float32] | None
    top_db: float | None


@dataclass(frozen=True)
class Input:
    """What a network takes.

    Attributes:
        mean, deviation: its normalisation, an item each for the last axis; None where the network
            normalises by itself, or not at all.
    """

    tensor: Tensor
    mean: NDArray[np.float32] | None
    deviation: NDArray[np.float32] | None


@dataclass(frozen=True)
class Interface:
    """What a network takes and gives.

    Attributes:
        element: C++ type of all values.
    """

    inputs: tuple[Input, ...]
    output: Tensor
    element: str


def write_tables(
    folder: Path, flatbuffer: bytes, spec: FeatureSpec, segment: SegmentRule, labels: Sequence[str]
) -> list[Path]:
    """Write `tables.cc` and `tables.h` into `folder`; return their paths.

    Features that a microcontroller does not compute, such as pictures, have no tables: labels and
    scales are all that is written then.

    Args:
        folder: where to.
        flatbuffer: the network.
        spec: its features.
        segment: how tracks are cut.
        labels: its genres, in the order of its output.
    """
    found = interface(flatbuffer)
    return fill(
        folder,
        ("tables.h", "tables.cc"),
        inputs=found.inputs,
        output=found.output,
        element=found.element,
        labels=labels,
        spec=spec,
        front=front_end(spec, segment),
    )


def interface(flatbuffer: bytes) -> Interface:
    """Return what the network takes and gives.

    Raises:
        ExportError: the bytes are no TensorFlow Lite model.
    """
    graph = graphs(flatbuffer)[0]
    constants = {tensor.name: tensor.constant for tensor in graph.tensors if tensor.constant}
    inputs = tuple(_input(graph.tensors[index], constants) for index in graph.inputs)
    output = graph.tensors[graph.outputs[0]]
    return Interface(inputs, output, _ELEMENTS[output.kind])


def _input(tensor: Tensor, constants: Mapping[str, bytes]) -> Input:
    mean, deviation = (
        np.frombuffer(constants[tensor.name + part], "<f4")
        if tensor.name + part in constants
        else None
        for part in (MEAN, DEVIATION)
    )
    return Input(tensor, mean, deviation)


def front_end(spec: FeatureSpec, segment: SegmentRule) -> FrontEndTables | None:
    """Return the tables of `mel` and `mfcc`; None for features that need more than tables."""
    if not isinstance(spec, Mel | Mfcc):
        return None
    filters, weights = sparse(spec.filters)
    samples, padding = _window(spec, segment)
    return FrontEndTables(
        samples=samples,
        padding=padding,
        frames=next(iter(segment.shapes(spec).values()))[0],
        filters=filters,
        weights=weights,
        cosine=spec.basis if isinstance(spec, Mfcc) else None,
        top_db=spec.top_db,
    )


def sparse(matrix: NDArray[np.float32]) -> tuple[tuple[Row, ...], NDArray[np.float32]]:
    """Return the rows of a matrix whose few entries stand together, and all those entries."""
    rows, pieces, offset = [], [], 0
    for row in matrix:
        used = np.flatnonzero(row)
        first, length = int(used[0]), int(used[-1] - used[0]) + 1
        rows.append(Row(first, length, offset))
        pieces.append(row[first : first + length])
        offset += length
    return tuple(rows), np.concatenate(pieces)


def _window(spec: MelSettings, segment: SegmentRule) -> tuple[int, int]:
    """Return the samples of a segment and the zeros at each of its ends."""
    if segment.source == "audio":
        return segment.samples(spec.rate), spec.n_fft // 2 if spec.center else 0
    # Cut from the frames of a whole track, the frames at the edges hear their neighbours.
    return (segment.frames(spec) - 1) * spec.hop_length + spec.n_fft, 0
