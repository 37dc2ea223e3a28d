"""Writes C++ sources from the templates in `c/`: a network and its golden vectors as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls import __version__
from genrecls.files.atomic import write_text
from genrecls.files.templates import templates

if TYPE_CHECKING:
    from jinja2 import Environment

INTEGER_TOLERANCE = 2
"""Steps of an int8 output that kernels of different processors may differ by."""

FLOAT_TOLERANCE = 1e-4
"""The same of a float output, in probability."""

_COLUMNS = 96


def write_model(folder: Path, flatbuffer: bytes) -> list[Path]:
    """Write a flatbuffer as `model.cc` and `model.h` into `folder`; return their paths."""
    return fill(folder, ("model.h", "model.cc"), flatbuffer=flatbuffer)


def write_golden(
    folder: Path, inputs: Sequence[NDArray[np.generic]], outputs: NDArray[np.generic]
) -> list[Path]:
    """Write golden vectors as `golden.cc` and `golden.h` into `folder`; return their paths.

    Args:
        folder: where `tables.h` is, too.
        inputs: an array for each input of the network in its order, first axis examples.
        outputs: what the network answers, shape (examples, classes).
    """
    integer = bool(np.issubdtype(outputs.dtype, np.integer))
    return fill(
        folder,
        ("golden.h", "golden.cc"),
        inputs=inputs,
        outputs=outputs,
        integer=integer,
        tolerance=tolerance(integer=integer),
    )


def tolerance(*, integer: bool) -> str:
    """Return the tolerance of golden vectors as C++ source."""
    return str(INTEGER_TOLERANCE) if integer else number(FLOAT_TOLERANCE)


def fill(folder: Path, names: Sequence[str], **values: Any) -> list[Path]:
    """Write the templates called `names` with these values into `folder`; return the paths."""
    paths = [folder / name for name in names]
    for path in paths:
        template = _environment().get_template(f"{path.name}.j2")
        write_text(path, template.render(version=__version__, **values))
    return paths


@cache
def _environment() -> Environment:
    filters = {"array": array, "number": number, "text": text}
    return templates("genrecls.export.bundle", "templates/c", filters, html=False)


def array(values: bytes | NDArray[np.generic]) -> str:
    """Return values, last axis fastest, as the lines between the braces of a C array."""
    flat = np.frombuffer(values, np.uint8) if isinstance(values, bytes) else values.ravel()
    return "\n".join(_lines(flat))


def _lines(values: NDArray[np.generic]) -> Iterator[str]:
    written = _whole(values) if np.issubdtype(values.dtype, np.integer) else map(number, values)
    line = ""
    for word in written:
        if len(line) + len(word) > _COLUMNS:
            yield line.rstrip()
            line = ""
        line += f"{word}, "
    yield line.rstrip()


def _whole(values: NDArray[np.generic]) -> Iterator[str]:
    return map(str, values.tolist())


def number(value: Any) -> str:
    """Return a number as the C literal of the nearest `float`."""
    single = np.float32(value)
    if not np.isfinite(single):
        raise ValueError(f"{value} cannot be written as a C literal")
    return f"{single!s}f"


def text(value: str) -> str:
    """Return a text as a C string literal in UTF-8."""
    return '"' + "".join(map(_character, value.encode())) + '"'


def _character(code: int) -> str:
    # Octal escapes have three digits and no more, so the next character cannot become part of one.
    plain = 32 <= code < 127 and chr(code) not in '"\\?'
    return chr(code) if plain else f"\\{code:03o}"
