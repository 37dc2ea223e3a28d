"""The small files of a run folder, each checked as it is read.

Damage costs its own run alone: every function raises `DamagedFile`, and whoever reads may rely on
the types that are declared here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import NonNegativeInt

from genrecls.config.aliases import current_config
from genrecls.config.ranges import Count, Proportion, Seconds
from genrecls.config.validation import validate
from genrecls.errors import ConfigError, DamagedFile, RunError
from genrecls.files.tables import read_mapping

Status = Literal["running", "interrupted", "failed", "pruned", "finished"]


class _Stored:
    """Base of what is looked at in a file; it may hold more."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "ignore", "allow_inf_nan": False}


@dataclass(frozen=True)
class _State(_Stored):
    status: Status
    created: str = ""
    changed: str = ""
    command: str = ""
    reason: str = ""
    sweep: str = ""
    genrecls: str = ""
    seconds: Seconds | None = None


@dataclass(frozen=True)
class _Option(_Stored):
    name: str


@dataclass(frozen=True)
class _Split(_Option):
    fold: NonNegativeInt | None = None


@dataclass(frozen=True)
class _Config(_Stored):
    dataset: _Option
    features: _Option
    split: _Split
    model: _Option
    seed: NonNegativeInt
    segment: Mapping[str, Any] = field(default_factory=dict)
    trainer: Mapping[str, Any] = field(default_factory=dict)
    augment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Epoch(_Stored):
    epoch: Count
    validation_accuracy: Proportion
    validation_loss: float


@dataclass(frozen=True)
class _Best(_Stored):
    epoch: Count
    value: float
    monitor: str


@dataclass(frozen=True)
class _Progress(_Stored):
    epoch: Count
    epochs: Count
    validation_accuracy: Proportion | None = None
    validation_loss: float | None = None
    best: _Best | None = None
    seconds: Seconds = 0.0
    seconds_left: Seconds | None = None
    history: tuple[_Epoch, ...] = ()


def read_state(path: Path) -> dict[str, Any]:
    """Return what `run.json` holds.

    Raises:
        FileNotFoundError: it is absent.
        DamagedFile: it cannot be read, or holds no state of a run.
    """
    return _checked(_State, path, read_mapping(path))


def read_config(path: Path) -> dict[str, Any]:
    """Return the resolved configuration of a run, with the present names.

    It holds mappings by name, lists, texts, finite numbers, truth values and nulls alone; the
    groups are mappings, and data set, features, split and model have a name.

    Raises:
        FileNotFoundError: it is absent.
        DamagedFile: it cannot be read, or holds no configuration of a run.
    """
    values = read_mapping(path)
    _refuse_other_types(path, values, "")
    return _checked(_Config, path, current_config(values))


def read_environment(path: Path) -> dict[str, str]:
    """Return the versions under which a run was made.

    Raises:
        FileNotFoundError: it is absent.
        DamagedFile: it cannot be read, or holds anything but texts.
    """
    values = read_mapping(path)
    for name, text in values.items():
        if not isinstance(text, str):
            raise DamagedFile(path, f"{name}: expected a text, received {text!r}"[:200])
    return values


def read_progress(path: Path) -> dict[str, Any]:
    """Return how far a training is.

    Raises:
        FileNotFoundError: it is absent.
        DamagedFile: it cannot be read, or holds no progress.
    """
    return _checked(_Progress, path, read_mapping(path))


def damaged_run(path: Path, reason: str) -> RunError:
    """Return the error for a file of a finished run that is damaged, with what to do."""
    return RunError(f"{DamagedFile(path, reason)}; train again with force=true")


def _checked(schema: type[Any], path: Path, values: dict[str, Any]) -> dict[str, Any]:
    try:
        validate(schema, values, "")
    except ConfigError as error:
        raise DamagedFile(path, str(error)) from None
    return values


def _refuse_other_types(path: Path, value: Any, place: str) -> None:
    """Refuse what YAML can hold and no configuration does: dates, sets, keys that are no texts."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise DamagedFile(path, f"{place or 'the whole'}: the key {key!r} is no text")
            _refuse_other_types(path, inner, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            _refuse_other_types(path, inner, place)
    elif not isinstance(value, str | int | float | None) or (
        isinstance(value, float) and not math.isfinite(value)
    ):
        raise DamagedFile(path, f"{place}: {type(value).__name__} {value!r} is no setting"[:200])
