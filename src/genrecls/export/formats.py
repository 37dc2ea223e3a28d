"""What an export can consist of: two kinds of input, four modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from genrecls.runs.export_facts import Input, Mode

__all__ = ["INPUTS", "MODES", "ExportFormat", "Input", "Mode"]

MODES: tuple[Mode, ...] = get_args(Mode)
INPUTS: tuple[Input, ...] = get_args(Input)


@dataclass(frozen=True)
class ExportFormat:
    """One of the formats that a model can be exported to.

    Attributes:
        input: `features` takes what the model takes, `audio` raw samples.
        mode: how the weights (and with int8 everything) are stored; a front end is always float.
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
