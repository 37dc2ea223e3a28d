"""The keys of `conf/export.yaml`, which says what each is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from genrecls.config.schema import Schema
from genrecls.export.formats import INPUTS, MODES, ExportFormat, Input, Mode

_PLACES = ("run=", "dataset_root=", "data_root=", "output_root=", "litertjs=", "hydra.")

Fraction = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class GateBounds(Schema):
    """What a file must keep of its model; None is no condition.

    Attributes:
        difference: largest difference of any probability.
        decisions: least share of segments whose decision is equal.
        accuracy: most accuracy per track that may be lost; one track always may be.
    """

    difference: PositiveFloat | None
    decisions: Fraction | None
    accuracy: Fraction | None


@dataclass(frozen=True)
class Gate(Schema):
    """The bounds of every mode.

    Attributes:
        approximate: instead, of files that take audio and whose front end is not exact.
    """

    float32: GateBounds
    float16: GateBounds
    dynamic: GateBounds
    int8: GateBounds
    mixed: GateBounds
    approximate: GateBounds

    def of(self, export_format: ExportFormat, *, exact: bool) -> GateBounds:
        """Return the bounds of a file; `exact`: its front end equals the features of training."""
        key = self.key(export_format, exact=exact).removeprefix("gate.")
        bounds: GateBounds = getattr(self, key)
        return bounds

    def key(self, export_format: ExportFormat, *, exact: bool) -> str:
        """Return where those bounds are set, such as `gate.int8`."""
        approximate = export_format.input == "audio" and not exact
        return f"gate.{'approximate' if approximate else export_format.mode}"


@dataclass(frozen=True)
class ExportSettings(Schema):
    """What is exported, how it is judged, and where data and runs are."""

    run: str | None
    modes: Annotated[tuple[Mode, ...], Field(min_length=1)] | None
    inputs: Annotated[tuple[Input, ...], Field(min_length=1)] | None
    target: str | None
    calibration: PositiveInt
    unroll_steps: NonNegativeInt
    gate: Gate
    litertjs: str | None
    dataset_root: str | None
    data_root: str
    output_root: str

    @property
    def formats(self) -> tuple[ExportFormat, ...]:
        """What is to be made, as far as the model supports it."""
        return tuple(
            ExportFormat(source, mode)
            for source in dict.fromkeys(self.inputs or INPUTS)
            for mode in dict.fromkeys(self.modes or MODES)
        )

    def names(self, export_format: ExportFormat) -> bool:
        """Return whether the user named this very format, so that its absence is an error."""
        return self.modes is not None and (
            self.inputs is not None or export_format.input == INPUTS[0]
        )


def without_places(words: Sequence[str]) -> list[str]:
    """Return the overrides that say what files are, without those that say where things lie.

    A bundle leaves the machine, and its card has no use for the folders there.
    """
    return [word for word in words if not word.startswith(_PLACES)]
