"""What surrounds a network on a microcontroller, as values: scales and the tables of features."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.mel import PCEN_FLOOR, PCEN_SCALE
from genrecls.dsp.segments import audio_window
from genrecls.export.tflite.flatbuffer import Tensor, graphs
from genrecls.features.base import FeatureSpec
from genrecls.features.mel import Mel
from genrecls.features.mfcc import Mfcc
from genrecls.features.segmentation import SegmentRule
from genrecls.runtime.network import DEVIATION, MEAN

_ELEMENTS = {"INT8": "std::int8_t", "FLOAT32": "float"}


@dataclass(frozen=True)
class MelFilter:
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
        stride: samples from one segment of a stream to the next, without gaps.
        continuous: whether the frames of a segment go on behind those of the one before and share
            samples with them, as frames cut from a whole track do; otherwise each segment is
            transformed by itself.
        padding: zeros in front of and behind each segment.
        lead: zeros in front of a stream.
        frames: frames of one segment.
        filters: one row for each mel band.
        weights: of all filters, one after the other.
        cosine: shape (n_mels, n_mfcc); None where the bands themselves are the features.
        top_db: decibels kept below the loudest value; None for all.
        pcen_scale, pcen_floor: constants of the compression `pcen`.
    """

    samples: int
    stride: int
    continuous: bool
    padding: int
    lead: int
    frames: int
    filters: tuple[MelFilter, ...]
    weights: NDArray[np.float32]
    cosine: NDArray[np.float32] | None
    top_db: float | None
    pcen_scale: float = PCEN_SCALE
    pcen_floor: float = PCEN_FLOOR


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


def interface(flatbuffer: bytes) -> Interface:
    """Return what the network takes and gives.

    Raises:
        ExportError: the bytes are no TensorFlow Lite model.
    """
    graph = graphs(flatbuffer)[0]
    constants = {
        tensor.name: np.frombuffer(tensor.constant, "<f4")
        for tensor in graph.tensors
        if tensor.constant and tensor.name.endswith((MEAN, DEVIATION))
    }
    inputs = [graph.tensors[index] for index in graph.inputs]
    output = graph.tensors[graph.outputs[0]]
    return Interface(
        inputs=tuple(
            Input(tensor, constants.get(tensor.name + MEAN), constants.get(tensor.name + DEVIATION))
            for tensor in inputs
        ),
        output=output,
        element=_ELEMENTS[output.kind],
    )


def front_end_tables(spec: FeatureSpec, segment: SegmentRule) -> FrontEndTables | None:
    """Return the tables of `mel` and `mfcc`; None for features that need more than tables."""
    if not isinstance(spec, Mel | Mfcc):
        return None
    # Frames cut from a whole track overlap with the samples before and behind the segment.
    alone = segment.source == "audio"
    window = audio_window(asdict(spec), asdict(segment))
    frames = next(iter(segment.shapes(spec).values()))[0]
    filters, weights = sparse_rows(spec.front_end.filters)
    return FrontEndTables(
        samples=window.length,
        stride=window.length if alone else frames * spec.hop_length,
        continuous=not alone,
        padding=spec.n_fft // 2 if alone and spec.center else 0,
        lead=window.margin,
        frames=frames,
        filters=filters,
        weights=weights,
        cosine=spec.front_end.basis if isinstance(spec, Mfcc) else None,
        top_db=spec.top_db if spec.compression == "db" else None,
    )


def reason_not_to_compute(spec: FeatureSpec) -> str | None:
    """Return why the C++ project does not compute these features; None where it does."""
    if not isinstance(spec, Mel | Mfcc):
        return f"the features `{spec.name}` are not computed on a microcontroller"
    if spec.n_fft & (spec.n_fft - 1):
        return (
            f"its Fourier transform takes powers of two, and n_fft is {spec.n_fft}: train with "
            f"features.n_fft={1 << (spec.n_fft - 1).bit_length()}"
        )
    return None


def sparse_rows(matrix: NDArray[np.float32]) -> tuple[tuple[MelFilter, ...], NDArray[np.float32]]:
    """Return the rows of a matrix without the zeros at their ends, and the entries of all rows."""
    rows, pieces, offset = [], [], 0
    for row in matrix:
        used = np.flatnonzero(row)
        first, length = int(used[0]), int(used[-1] - used[0]) + 1
        rows.append(MelFilter(first, length, offset))
        pieces.append(row[first : first + length])
        offset += length
    return tuple(rows), np.concatenate(pieces)
