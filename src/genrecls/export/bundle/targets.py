"""Classes of devices, and whether an exported file fits one of them.

The budgets are data: one file a class in `conf/export/target`, each number with its source.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from genrecls.config.paths import conf_dir
from genrecls.config.schema import Schema
from genrecls.config.validation import validate
from genrecls.errors import ConfigError, DamagedFile, nearest
from genrecls.export.formats import ExportFormat, Mode
from genrecls.files.tables import read_yaml
from genrecls.reports.numbers import beyond
from genrecls.runs.export_facts import (
    ExportedFile,
    ExportFacts,
    TargetRuntime,
    TargetVerdict,
    TargetVerdicts,
)

# Fastest and smallest first.
_FOR_MICRO: tuple[Mode, ...] = ("int8", "float32")


@dataclass(frozen=True)
class Target(Schema):
    """A class of devices.

    Attributes:
        name: name of its file.
        title: name for messages.
        runtime: what runs networks there: TensorFlow Lite Micro or LiteRT.
        flash: bytes for model and code together.
        code: bytes of `flash` that are taken by all but the model.
        memory: bytes of RAM for the values of the network: the largest tensor arena.
        ram: bytes of RAM for arena, C++ front end and `reserved` together; None where it is not
            known.
        reserved: bytes of `ram` for audio that waits, stack and system.
        int8_macs, float_macs: multiply-accumulates a second.
        kernels: those that `int8_macs` holds for, optimised for the processor; empty where a
            runtime has no others.
        reference_slowdown, reference_lstm_slowdown: how many times as long the reference kernels of
            TensorFlow Lite Micro take, for LSTMs and for all else; 1 where they are the same.
        latency: seconds that one segment may take.
    """

    name: str
    title: str
    runtime: TargetRuntime
    flash: PositiveInt
    code: NonNegativeInt
    memory: PositiveInt
    int8_macs: PositiveFloat
    float_macs: PositiveFloat
    latency: PositiveFloat
    # They came later: files of users have no values for them.
    ram: PositiveInt | None = None
    reserved: NonNegativeInt = 0
    kernels: str = ""
    reference_slowdown: Annotated[float, Field(ge=1)] = 1.0
    reference_lstm_slowdown: Annotated[float, Field(ge=1)] = 1.0


def targets() -> tuple[str, ...]:
    """Return the names of all classes of devices."""
    return tuple(sorted(path.stem for path in _folder().glob("*.yaml")))


def target(name: str) -> Target:
    """Return the class of devices called `name`.

    Args:
        name: one of `targets`, or the path of a YAML file with the same keys.

    Raises:
        ConfigError: there is none of that name, or its file has an unknown key or a wrong value.
    """
    known, own = targets(), Path(name)
    if own.suffix in {".yaml", ".yml"} and own.is_file():
        return validate(Target, _values(own), "target")
    if name not in known:
        raise ConfigError(
            f"target: received '{name}'; allowed: {', '.join(known)}, or a YAML file"
            f"{nearest(name, known)}"
        )
    return validate(Target, _values(_folder() / f"{name}.yaml"), "target")


def reason_not_to_try(device: Target, wanted: ExportFormat) -> str | None:
    """Return why a format is not made for a class of devices; None if a file of it may fit."""
    if device.runtime == "litert" or (wanted.input == "features" and wanted.mode in _FOR_MICRO):
        return None
    return (
        f"for {device.title} only features in {' and '.join(_FOR_MICRO)} are made: TensorFlow Lite "
        "Micro has no float16 and no int8 weights with float values, and the C++ project computes "
        "the features"
    )


def reasons_not_to_fit(device: Target, file: ExportedFile) -> list[str]:
    """Return why a kept file does not fit a class of devices, one line each; empty if it fits."""
    model, memory = file.flatbuffer or 0, _memory(device, file)
    seconds = _seconds(device, file)
    reasons = []
    if device.runtime == "micro" and file.micro and file.micro.runs is False:
        reasons.append(file.micro.reason)
    if model + device.code > device.flash:
        reasons.append(
            f"flash: model {model:,} bytes and code {device.code:,} bytes; there are "
            f"{device.flash:,} bytes"
        )
    if memory > device.memory:
        reasons.append(
            f"memory: the tensor arena takes {memory:,} bytes; there are "
            f"{device.memory:,} bytes for it"
        )
    elif device.ram is not None and _ram(device, file) > device.ram:
        reasons.append(
            f"RAM: front end {file.front_end or 0:,} bytes, tensor arena {memory:,} bytes, audio "
            f"and stack {device.reserved:,} bytes; there are {device.ram:,} bytes. "
            "features.top_db=null (with features.ref=1), a shorter segment.length or a smaller "
            "preset, such as model=crnn_micro, takes less"
        )
    if seconds > device.latency:
        reasons.append(
            f"latency: {(file.macs or 0) / 1e6:,.1f} million multiply-accumulates take about "
            f"{beyond(seconds, device.latency)} s a segment{_kernels(device, file)}; "
            f"allowed: {device.latency:g} s"
        )
    return reasons


def reasons_to_fit(device: Target, file: ExportedFile) -> list[str]:
    """Return what a file that fits takes of what a class of devices has, one line each."""
    memory = f"{_memory(device, file):,} of {device.memory:,} bytes"
    arena = f"tensor arena {memory}" if file.arena else ""
    estimated = " (estimate)" if file.arena and file.arena.source == "estimate" else ""
    front_end = []
    if device.runtime == "micro" and file.front_end is not None:
        front_end = [
            f"front end {file.front_end:,} bytes besides (the target does not say its ram)"
            if device.ram is None
            else f"RAM {_ram(device, file):,} of {device.ram:,} bytes, {file.front_end:,} of them "
            f"for the front end, {device.reserved:,} for audio and stack"
        ]
    flash, took = (file.flatbuffer or 0) + device.code, f"{_seconds(device, file):.2g}"
    return [
        f"flash {flash:,} of {device.flash:,} bytes, {device.code:,} of them for the program",
        *([f"{arena}{estimated}"] if arena else []),
        *front_end,
        f"about {took} of {device.latency:g} s a segment{_kernels(device, file)}",
    ]


def fit(device: Target, facts: ExportFacts) -> ExportFacts:
    """Return the facts of an export with a verdict on each kept file.

    Those that do not fit the class of devices are no longer kept, but refused with the reasons.
    """
    files, judged = [], []
    for file in facts.files:
        if file.status == "kept":
            objections = reasons_not_to_fit(device, file)
            reasons = objections or reasons_to_fit(device, file)
            judged.append(TargetVerdict(file.file, not objections, tuple(reasons)))
            if objections:
                why = f"it does not fit {device.title}: {'; '.join(objections)}"
                files.append(ExportedFile(file.file, file.input, file.mode, "refused", why))
                continue
        files.append(file)
    target = TargetVerdicts(device.name, device.title, tuple(judged), device.runtime)
    return replace(facts, files=tuple(files), target=target)


def _seconds(device: Target, file: ExportedFile) -> float:
    return (file.macs or 0) / (device.int8_macs if file.mode == "int8" else device.float_macs)


def _memory(device: Target, file: ExportedFile) -> int:
    """Return the bytes of the arena with the kernels of a device."""
    if file.arena is None:
        return 0
    return file.arena.bytes + (file.arena.cmsis_nn if device.kernels == "CMSIS-NN" else 0)


def _ram(device: Target, file: ExportedFile) -> int:
    return (file.front_end or 0) + _memory(device, file) + device.reserved


def _kernels(device: Target, file: ExportedFile) -> str:
    """Return which kernels an estimate is for, and what it is with the others."""
    if file.mode != "int8" or not device.kernels:
        return ""
    others = (file.macs or 0) - file.lstm_macs
    slow = others * device.reference_slowdown + file.lstm_macs * device.reference_lstm_slowdown
    reference = f", {slow / device.int8_macs:.2g} s with the reference kernels"
    return f" with {device.kernels}{reference}"


def _folder() -> Path:
    return conf_dir() / "export" / "target"


def _values(path: Path) -> Any:
    try:
        return read_yaml(path)
    except DamagedFile as error:
        raise ConfigError(f"target: {path} cannot be read as YAML: {error.reason}") from None
