"""Classes of devices, and whether an exported file fits one of them.

The budgets are data: one file a class in `conf/export/target`, each number with its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from genrecls.config.paths import conf_dir
from genrecls.config.schema import Schema
from genrecls.config.validation import validate
from genrecls.errors import ConfigError, DamagedFile, nearest
from genrecls.files.tables import read_yaml
from genrecls.runs.export_facts import ExportedFile, TargetVerdict, TargetVerdicts


@dataclass(frozen=True)
class Target(Schema):
    """A class of devices.

    Attributes:
        name: name of its file.
        title: name for messages.
        runtime: what runs networks there: TensorFlow Lite Micro or LiteRT.
        flash: bytes for model and code together.
        code: bytes of `flash` that are taken by all but the model.
        memory: bytes of RAM for the values of the network.
        int8_macs, float_macs: multiply-accumulates a second.
        latency: seconds that one segment may take.
    """

    name: str
    title: str
    runtime: Literal["micro", "litert"]
    flash: PositiveInt
    code: NonNegativeInt
    memory: PositiveInt
    int8_macs: PositiveFloat
    float_macs: PositiveFloat
    latency: PositiveFloat


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


def reasons_not_to_fit(device: Target, file: ExportedFile) -> list[str]:
    """Return why a kept file does not fit a class of devices, one line each; empty if it fits."""
    model, memory = file.flatbuffer or 0, file.arena.bytes if file.arena else 0
    macs, integer = file.macs or 0, file.mode == "int8"
    seconds = macs / (device.int8_macs if integer else device.float_macs)
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
    if seconds > device.latency:
        reasons.append(
            f"latency: {macs / 1e6:,.1f} million multiply-accumulates take about "
            f"{seconds:.2g} s a segment; allowed: {device.latency:g} s"
        )
    return reasons


def verdicts(device: Target, files: Sequence[ExportedFile]) -> TargetVerdicts:
    """Return for every kept file whether it fits a class of devices."""
    reasons = {file.file: reasons_not_to_fit(device, file) for file in files}
    return TargetVerdicts(
        name=device.name,
        title=device.title,
        verdicts=tuple(TargetVerdict(name, not why, tuple(why)) for name, why in reasons.items()),
    )


def _folder() -> Path:
    return conf_dir() / "export" / "target"


def _values(path: Path) -> Any:
    try:
        return read_yaml(path)
    except DamagedFile as error:
        raise ConfigError(f"target: {path} cannot be read as YAML: {error.reason}") from None
