"""Writes a C++ project that hears music with TensorFlow Lite Micro, and checks itself.

Its sources are the templates in `templates/c`, filled with the network, its golden vectors and the
tables of `genrecls.export.bundle.c_tables`. The folder is at once a CMake project for this machine,
an Arduino library, a component of ESP-IDF and a module of Zephyr.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.typing import NDArray

from genrecls import __version__
from genrecls.errors import ExportError
from genrecls.export.bundle.c_tables import (
    FrontEndTables,
    Interface,
    front_end_tables,
    interface,
    reason_not_to_compute,
)
from genrecls.export.bundle.golden_audio import GoldenAudio
from genrecls.export.tflite.memory import cmsis_nn_scratch
from genrecls.export.tflite.operators import objections, operator_uses
from genrecls.export.verify.micro import LARGEST_NETWORK
from genrecls.features.base import FeatureSpec
from genrecls.features.mel import Mel
from genrecls.features.mfcc import Mfcc
from genrecls.features.segmentation import SegmentRule
from genrecls.files.atomic import replacing, write_text
from genrecls.files.templates import templates
from genrecls.runs.export_facts import OperatorUse

INTEGER_TOLERANCE = 2
"""Steps of an int8 output that kernels of different processors may differ by."""

FLOAT_TOLERANCE = 1e-4
"""The same of a float output, in probability."""

SMOOTHED_SEGMENTS = 3
"""Segments of which an answer is the mean, as `genrecls predict --live` has it."""

ARDUINO = "genrecls_arduino.zip"
"""The same sources as a library that the Arduino IDE adds from a file."""

NETWORK_SOURCES = (
    "src/network.h",
    "src/network.cc",
    "test/golden_test.cc",
    "CMakeLists.txt",
    "README.md",
    "get_tflm.sh",
)
FRONT_END_SOURCES = ("src/fft.h", "src/fft.cc", "src/front_end.h", "src/front_end.cc")
AUDIO_SOURCES = (
    "src/genrecls.h",
    "src/genrecls.cc",
    "test/wav.h",
    "test/golden_audio.h",
    "test/golden_audio.cc",
    "test/front_end_test.cc",
    "examples/classify_wav/classify_wav.cc",
    "library.properties",
    "examples/microphone/microphone.ino",
    "examples/microphone/README.md",
    "idf_component.yml",
    "examples/esp32/CMakeLists.txt",
    "examples/esp32/README.md",
    "examples/esp32/main/CMakeLists.txt",
    "examples/esp32/main/idf_component.yml",
    "examples/esp32/main/main.cc",
    "zephyr/module.yml",
    "zephyr/Kconfig",
    "zephyr/CMakeLists.txt",
    "examples/zephyr/CMakeLists.txt",
    "examples/zephyr/README.md",
    "examples/zephyr/prj.conf",
    "examples/zephyr/src/main.cc",
    "emulator/cortex-m4.cmake",
    "emulator/mps2-an386.ld",
    "emulator/startup.cc",
    "emulator/run.sh",
    "emulator/measure.cc",
)

TESTED = {
    "tflite-micro": "90b983c2b3f1480642e040bbd2ddb37b998f3424",
    "flatbuffers": "refs/tags/v25.9.23",
    "gemmlowp": "719139ce755a0f31cbf1c37f7f98adcc7fc9f425",
    "ruy": "d37128311b445e758136b8602d1bbd2a755e115d",
    "CMSIS-NN": "4ab83cc3cc98fb85ed6dafb55e8ca02f1628dcae",
    "CMSIS_6": "5782d6f8057906d360f4b95ec08a2354afe5c9b9",
    "CMSIS-DSP": "ec1bb75277d3e23e2fa7b8819dc734a7926b0bfb",
}
"""Commits of what a network is compiled with that the project was built and run with; those of the
libraries are the ones that TensorFlow Lite Micro itself fetches (its `third_party_downloads.inc`
and `ext_libs`), but for CMSIS-DSP, which it does not use."""

_LICENCE = "SPDX-License-Identifier: Apache-2.0"
_COLUMNS = 96
_GOLDEN_BYTES = 131_072
_SPARE = 1024
_FLOAT, _SAMPLE, _WORD = 4, 2, 4
_ALIGNMENT = 16

# Operators whose kernel is not in the file of their name.
_KERNELS = {
    "CONV_2D": "conv",
    "DEPTHWISE_CONV_2D": "depthwise_conv",
    "AVERAGE_POOL_2D": "pooling",
    "MAX_POOL_2D": "pooling",
    "MEAN": "reduce",
    "SUM": "reduce",
    "REDUCE_MAX": "reduce",
    "RELU": "activations",
    "RELU6": "activations",
    "REVERSE_V2": "reverse",
    "SELECT_V2": "select",
    "MAXIMUM": "maximum_minimum",
    "MINIMUM": "maximum_minimum",
}


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
            examples; where there is golden audio, its segments come first.
        outputs: its answers to them, shape (examples, classes).
        audio: the golden audio; None where no device computes the features.
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
    audio: GoldenAudio | None
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
    # As many examples as a microcontroller has room for beside the network, and all of the audio.
    network, audio = interface(flatbuffer), project.audio
    heard = audio.segments if audio else 0
    one = sum(examples[:1].nbytes for examples in project.inputs)
    count = max(1, heard, min(len(project.outputs), _GOLDEN_BYTES // one))
    outputs = project.outputs[:count]
    values = {
        **_front_end(network, spec, segment),
        **_tolerance(outputs),
        # Into comments and files of build systems, whatever the author of a model file called it.
        "title": re.sub(r"[^\w .,+~()-]", "_", project.title),
        "flatbuffer": flatbuffer,
        "operators": operators,
        "methods": [use.method for use in operators],
        "kernels": kernel_files(operators),
        "labels": project.labels,
        "arena_bytes": project.arena_bytes,
        "arena_kib": arena_kib(project.arena_bytes + cmsis_nn_scratch(flatbuffer)),
        "measured": project.measured,
        "outputs": outputs,
        "smoothed": SMOOTHED_SEGMENTS,
        "audio": audio,
        "overlapping": segment.hop is not None and segment.hop < segment.length,
        "tested": TESTED,
    }
    paths = _fill(folder, (*NETWORK_SOURCES, *(AUDIO_SOURCES if audio else ())), **values)
    paths += write_model(folder, flatbuffer)
    paths += write_tables(folder, network, spec, segment, project.labels)
    paths += write_golden(folder, [x[:count] for x in project.inputs], outputs, heard)
    if audio:
        paths += write_front_end(folder, network, spec, segment)
        with replacing(folder / "golden.wav") as path:
            path.write_bytes(audio.wav)
        with replacing(folder / ARDUINO) as path:
            _write_arduino_library(path, folder, paths)
        paths += [folder / "golden.wav", folder / ARDUINO]
    return paths


def _write_arduino_library(path: Path, folder: Path, written: Sequence[Path]) -> None:
    """Write sources, sketch and properties into a zip file as the Arduino IDE wants them."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for source in sorted(written):
            name = source.relative_to(folder)
            if name.parts[0] == "src" or name.parts[:2] == ("examples", "microphone"):
                # Its builder compiles no `.cc`.
                kept = name.with_suffix(".cpp") if name.suffix == ".cc" else name
                archive.write(source, f"genrecls/{kept.as_posix()}")
        archive.write(folder / "library.properties", "genrecls/library.properties")


def write_model(folder: Path, flatbuffer: bytes) -> list[Path]:
    """Write a flatbuffer as `src/model.cc` and `src/model.h` into `folder`; return their paths."""
    return _fill(folder, ("src/model.h", "src/model.cc"), flatbuffer=flatbuffer)


def write_tables(
    folder: Path,
    network: Interface,
    spec: FeatureSpec,
    segment: SegmentRule,
    labels: Sequence[str],
) -> list[Path]:
    """Write `src/tables.cc` and `src/tables.h` into `folder`; return their paths.

    Features that a microcontroller does not compute, such as pictures, have no tables: labels and
    scales are all that is written then.

    Args:
        folder: where to.
        network: what it takes and gives.
        spec: its features.
        segment: how tracks are cut.
        labels: its genres, in the order of its output.
    """
    values = _front_end(network, spec, segment)
    return _fill(folder, ("src/tables.h", "src/tables.cc"), labels=labels, **values)


def write_front_end(
    folder: Path, network: Interface, spec: FeatureSpec, segment: SegmentRule
) -> list[Path]:
    """Write the front end, which needs the tables, into `folder`; return the paths.

    Args:
        folder: where to.
        network: what takes the features.
        spec: features that a device can compute (`reason_not_to_compute`).
        segment: how a stream is cut.
    """
    return _fill(folder, FRONT_END_SOURCES, **_front_end(network, spec, segment))


def write_golden(
    folder: Path,
    inputs: Sequence[NDArray[np.generic]],
    outputs: NDArray[np.generic],
    heard: int = 0,
) -> list[Path]:
    """Write golden vectors as `test/golden.cc` and `test/golden.h` into `folder`.

    Args:
        folder: where `src/tables.h` is, too.
        inputs: an array for each input of the network in its order, first axis examples.
        outputs: what the network answers, shape (examples, classes).
        heard: how many of them, from the first, are segments of the golden audio.

    Returns:
        Their paths.
    """
    names = ("test/golden.h", "test/golden.cc")
    values = {"inputs": inputs, "outputs": outputs, "heard": heard, **_tolerance(outputs)}
    return _fill(folder, names, **values)


def front_end_bytes(spec: FeatureSpec, segment: SegmentRule) -> int | None:
    """Return the bytes of RAM that the front end keeps; None for features that it does not compute.

    They are those of `FrontEnd` in `src/front_end.h` on a processor of 32 bits, with the Fourier
    transform of CMSIS-DSP; our own takes `4 * n_fft + 16` less, that of ESP-DSP 32.

    Args:
        spec: the features.
        segment: how a stream is cut.
    """
    front = front_end_tables(spec, segment)
    if front is None or not isinstance(spec, Mel | Mfcc) or reason_not_to_compute(spec):
        return None
    steps = _steps(spec, front)
    rows = (front.frames if steps["deferred"] else 1) + (spec.compression == "pcen")
    arrays = spec.n_fft * (_FLOAT + _SAMPLE) + rows * spec.n_mels * _FLOAT
    # Four counters and three pointers, behind the plan of a transform and its output, aligned.
    transform = 2 * _ALIGNMENT + spec.n_fft * _FLOAT
    size = transform + arrays + 7 * _WORD + (_FLOAT if steps["loudest"] else 0)
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def arena_kib(size: int) -> int:
    """Return the KiB to reserve for an arena of `size` bytes: a little more, rounded up."""
    return -(-(size + _SPARE) // 1024)


def kernel_files(operators: Sequence[OperatorUse]) -> list[str]:
    """Return the files of TensorFlow Lite Micro, without `.cc`, that hold the kernels."""
    names = {_KERNELS.get(use.name, use.name.lower()) for use in operators}
    return sorted(
        names | ({"lstm_eval"} if any("LSTM" in use.name for use in operators) else set())
    )


def _front_end(network: Interface, spec: FeatureSpec, segment: SegmentRule) -> dict[str, Any]:
    """Return what the templates of tables and front end are filled with."""
    front = front_end_tables(spec, segment)
    values: dict[str, Any] = {
        "inputs": network.inputs,
        "output": network.output,
        "element": network.element,
        "integer": network.element != "float",
        "spec": spec,
        "front": front,
        "problem": reason_not_to_compute(spec),
    }
    return values | (_steps(spec, front) if front else {})


def _steps(spec: Any, front: FrontEndTables) -> dict[str, Any]:
    """Return what the front end has to do, and when.

    What is relative to the loudest of a segment is known at its end only. Where the bands
    themselves are the features it is enough to raise what was stored; cosines need all bands.
    """
    decibels, coefficients = spec.compression == "db", front.cosine is not None
    relative = decibels and spec.ref == "max"
    loudest = relative or front.top_db is not None
    quarter = np.arange(spec.n_fft // 4 + 1)
    return {
        "compression": spec.compression,
        "loudest": loudest,
        "deferred": relative or (loudest and coefficients),
        "clamped": loudest and not relative and not coefficients,
        "reference_decibels": (
            10 * np.log10(max(spec.amin, spec.ref)) if decibels and not relative else None
        ),
        "quarter_cosine": np.cos(2 * np.pi * quarter / spec.n_fft).astype(np.float32),
    }


def _tolerance(outputs: NDArray[np.generic]) -> dict[str, Any]:
    """Return whether a network answers in integers, and the tolerance as C++ source."""
    integer = bool(np.issubdtype(outputs.dtype, np.integer))
    tolerance = str(INTEGER_TOLERANCE) if integer else number(FLOAT_TOLERANCE)
    return {"integer": integer, "tolerance": tolerance}


def _fill(folder: Path, names: Sequence[str], **values: Any) -> list[Path]:
    """Write the templates called `names` with these values into `folder`; return the paths."""
    filters = {"array": array, "number": number, "text": text}
    environment = templates("genrecls.export.bundle", "templates/c", filters, html=False)
    generated = f"// Generated by genrecls {__version__}. {_LICENCE}"
    paths = []
    for name in names:
        source = environment.get_template(f"{name}.j2").render(
            version=__version__, generated=generated, **values
        )
        write_text(folder / name, source)
        paths.append(folder / name)
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
