"""Writes a small C++ project that runs a network on TensorFlow Lite Micro and checks itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ExportError
from genrecls.export.bundle import c_sources, c_tables
from genrecls.export.tflite.operators import Use, objections, uses
from genrecls.features.base import FeatureSpec
from genrecls.features.segmentation import SegmentRule

LARGEST = 4_000_000
"""Bytes of the largest network that is written as C; few microcontrollers have so much flash."""

_GOLDEN_BYTES = 65_536
_SPARE = 1024


@dataclass(frozen=True, eq=False)
class Project:
    """Everything that goes into the project.

    Attributes:
        title: what the network is called.
        flatbuffer: the network alone.
        labels: its genres.
        features: what it takes.
        segment: how tracks are cut.
        inputs: golden inputs as the network takes them, an array for each input, first axis
            examples.
        outputs: its answers to them, shape (examples, classes).
        arena_bytes: size of the tensor arena.
        measured: whether TensorFlow Lite Micro reported that size; else it is an estimate.
    """

    title: str
    flatbuffer: bytes
    labels: tuple[str, ...]
    features: FeatureSpec
    segment: SegmentRule
    inputs: tuple[NDArray[np.generic], ...]
    outputs: NDArray[np.generic]
    arena_bytes: int
    measured: bool


def write(folder: Path, project: Project) -> list[Path]:
    """Write the project into `folder` and return its files.

    Raises:
        ExportError: TensorFlow Lite Micro lacks an operator, or the network is far too large.
    """
    operators = uses(project.flatbuffer)
    _require_possible(project, operators)
    count = _affordable(project)
    inputs, outputs = tuple(x[:count] for x in project.inputs), project.outputs[:count]
    integer = bool(np.issubdtype(outputs.dtype, np.integer))
    front = c_tables.front_end(project.features, project.segment)
    return [
        *c_sources.write_model(folder, project.flatbuffer),
        *c_tables.write_tables(
            folder, project.flatbuffer, project.features, project.segment, project.labels
        ),
        *c_sources.write_golden(folder, inputs, outputs),
        *c_sources.fill(
            folder,
            ("main.cc", "CMakeLists.txt", "README.md"),
            title=project.title,
            flatbuffer=project.flatbuffer,
            operators=operators,
            methods=[use.method for use in operators],
            arena_bytes=project.arena_bytes,
            arena_kib=arena_kib(project.arena_bytes),
            measured=project.measured,
            outputs=outputs,
            integer=integer,
            tolerance=c_sources.tolerance(integer=integer),
            spec=project.features,
            front=front,
        ),
    ]


def arena_kib(size: int) -> int:
    """Return the KiB to reserve for an arena of `size` bytes: a little more, rounded up."""
    return -(-(size + _SPARE) // 1024)


def _require_possible(project: Project, operators: tuple[Use, ...]) -> None:
    # Loops are written as well: whether they end is for a run to show.
    problems = objections(operators, proved=True)
    if problems:
        raise ExportError(f"C project: not for TensorFlow Lite Micro: {'; '.join(problems)}")
    if len(project.flatbuffer) > LARGEST:
        raise ExportError(
            f"C project: expected a network of at most {LARGEST:,} bytes, received "
            f"{len(project.flatbuffer):,}; no microcontroller holds it"
        )


def _affordable(project: Project) -> int:
    """Return how many examples a microcontroller has room for beside the network, at least one."""
    one = sum(examples[:1].nbytes for examples in project.inputs)
    return max(1, min(len(project.outputs), _GOLDEN_BYTES // one))
