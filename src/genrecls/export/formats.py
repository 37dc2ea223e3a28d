"""What an export can consist of: two kinds of input, five modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from genrecls.runs.export_facts import Input, Mode

__all__ = ["INPUTS", "MODES", "ExportFormat", "Input", "Mode"]

MODES: tuple[Mode, ...] = ("float32", "float16", "dynamic", "int8")
"""Those that are made unless others are asked for: `mixed` takes an extra and more time."""

INPUTS: tuple[Input, ...] = get_args(Input)


@dataclass(frozen=True)
class ExportFormat:
    """One of the formats that a model can be exported to.

    Attributes:
        input: `features` takes what the model takes, `audio` raw samples.
        mode: how the weights (and with int8 everything, with mixed most) are stored; a front end is
            always float.
    """

    input: Input
    mode: Mode

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"{self.input}_{self.mode}.tflite"

    @property
    def title(self) -> str:
        """Name for messages."""
        return f"{self.input} {self.mode}"
