"""Writes a small C++ project that runs a network on TensorFlow Lite Micro and checks itself.

Its sources are the templates in `templates/c`, filled with the network, its golden vectors and the
tables of `genrecls.export.bundle.c_tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls import __version__
from genrecls.errors import ExportError
from genrecls.export.bundle.c_tables import front_end_tables, interface
from genrecls.export.tflite.operators import objections, operator_uses
from genrecls.export.verify.micro import LARGEST_NETWORK
from genrecls.features.base import FeatureSpec
from genrecls.features.segmentation import SegmentRule
from genrecls.files.atomic import write_text
from genrecls.files.templates import templates

INTEGER_TOLERANCE = 2
"""Steps of an int8 output that kernels of different processors may differ by."""

FLOAT_TOLERANCE = 1e-4
"""The same of a float output, in probability."""

_COLUMNS = 96
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


def write_project(folder: Path, project: Project) -> list[Path]:
    """Write the project into `folder` and return its files.

    Raises:
        ExportError: TensorFlow Lite Micro lacks an operator, or the network is far too large.
    """
    flatbuffer, spec, segment = project.flatbuffer, project.features, project.segment
    operators, size = operator_uses(flatbuffer), len(flatbuffer)
    # Loops are written as well: whether they end is for a run to show.
    problems = objections(operators, proved=True)
    if problems:
        raise ExportError(f"C project: not for TensorFlow Lite Micro: {'; '.join(problems)}")
    if size > LARGEST_NETWORK:
        raise ExportError(
            f"C project: expected a network of at most {LARGEST_NETWORK:,} bytes, received "
            f"{size:,}; no microcontroller holds it"
        )
    # As many examples as a microcontroller has room for beside the network, at least one.
    one = sum(examples[:1].nbytes for examples in project.inputs)
    count = max(1, min(len(project.outputs), _GOLDEN_BYTES // one))
    outputs = project.outputs[:count]
    golden = write_golden(folder, [x[:count] for x in project.inputs], outputs)
    main = _fill(
        folder,
        ("main.cc", "CMakeLists.txt", "README.md"),
        title=project.title,
        flatbuffer=flatbuffer,
        operators=operators,
        methods=[use.method for use in operators],
        arena_bytes=project.arena_bytes,
        arena_kib=arena_kib(project.arena_bytes),
        measured=project.measured,
        outputs=outputs,
        spec=spec,
        front=front_end_tables(spec, segment),
        **_tolerance(outputs),
    )
    tables = write_tables(folder, flatbuffer, spec, segment, project.labels)
    return [*write_model(folder, flatbuffer), *tables, *golden, *main]


def write_model(folder: Path, flatbuffer: bytes) -> list[Path]:
    """Write a flatbuffer as `model.cc` and `model.h` into `folder`; return their paths."""
    return _fill(folder, ("model.h", "model.cc"), flatbuffer=flatbuffer)


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
    network = interface(flatbuffer)
    return _fill(
        folder,
        ("tables.h", "tables.cc"),
        inputs=network.inputs,
        output=network.output,
        element=network.element,
        labels=labels,
        spec=spec,
        front=front_end_tables(spec, segment),
    )


def write_golden(
    folder: Path, inputs: Sequence[NDArray[np.generic]], outputs: NDArray[np.generic]
) -> list[Path]:
    """Write golden vectors as `golden.cc` and `golden.h` into `folder`; return their paths.

    Args:
        folder: where `tables.h` is, too.
        inputs: an array for each input of the network in its order, first axis examples.
        outputs: what the network answers, shape (examples, classes).
    """
    names = ("golden.h", "golden.cc")
    return _fill(folder, names, inputs=inputs, outputs=outputs, **_tolerance(outputs))


def arena_kib(size: int) -> int:
    """Return the KiB to reserve for an arena of `size` bytes: a little more, rounded up."""
    return -(-(size + _SPARE) // 1024)


def _tolerance(outputs: NDArray[np.generic]) -> dict[str, Any]:
    """Return whether a network answers in integers, and the tolerance as C++ source."""
    integer = bool(np.issubdtype(outputs.dtype, np.integer))
    tolerance = str(INTEGER_TOLERANCE) if integer else number(FLOAT_TOLERANCE)
    return {"integer": integer, "tolerance": tolerance}


def _fill(folder: Path, names: Sequence[str], **values: Any) -> list[Path]:
    """Write the templates called `names` with these values into `folder`; return the paths."""
    filters = {"array": array, "number": number, "text": text}
    environment = templates("genrecls.export.bundle", "templates/c", filters, html=False)
    paths = [folder / name for name in names]
    for path in paths:
        template = environment.get_template(f"{path.name}.j2")
        write_text(path, template.render(version=__version__, **values))
    return paths


def array(values: bytes | NDArray[np.generic]) -> str:
    """Return values, last axis fastest, as the lines between the braces of a C array."""
    flat = np.frombuffer(values, np.uint8) if isinstance(values, bytes) else values.ravel()
    integer = np.issubdtype(flat.dtype, np.integer)
    lines, line = [], ""
    for word in map(str, flat.tolist()) if integer else map(number, flat):
        if len(line) + len(word) > _COLUMNS:
            lines.append(line.rstrip())
            line = ""
        line += f"{word}, "
    return "\n".join([*lines, line.rstrip()])


def number(value: Any) -> str:
    """Return a number as the C literal of the nearest `float`."""
    single = np.float32(value)
    if not np.isfinite(single):
        raise ValueError(f"{value} cannot be written as a C literal")
    return f"{single!s}f"


def text(value: str) -> str:
    """Return a text as a C string literal in UTF-8."""
    # Octal escapes have three digits and no more, so the next character cannot become part of one.
    characters = (
        chr(code) if 32 <= code < 127 and chr(code) not in '"\\?' else f"\\{code:03o}"
        for code in value.encode()
    )
    return f'"{"".join(characters)}"'
