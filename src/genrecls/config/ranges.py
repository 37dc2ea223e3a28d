"""Ranges of numbers, as annotations of fields.

They are known to pydantic without importing it: what reads a card or times an exported file uses
classes whose fields have such ranges, and validates nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any


@dataclass(frozen=True)
class Bounds:
    """Least and largest value of a number: `ge` and `le` belong to the range, `lt` does not."""

    ge: float | None = None
    le: float | None = None
    lt: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Return the schema of the number, within these bounds."""
        bounds = {name: bound for name, bound in asdict(self).items() if bound is not None}
        return {**handler(source), **bounds}


Share = Annotated[float, Bounds(ge=0, lt=1)]
"""A part of a whole, less than all of it."""

Proportion = Annotated[float, Bounds(ge=0, le=1)]
"""A part of a whole, perhaps none or all of it: what most scores are."""

# Beyond it a floating-point number, which figures are drawn with, no longer counts.
Count = Annotated[int, Bounds(ge=0, le=2**53)]
"""How many there are of something."""

# A whole number of 64 bits is what data frames, databases and other libraries can hold.
Seed = Annotated[int, Bounds(ge=0, le=2**63 - 1)]
"""What random numbers begin with."""

Seconds = Annotated[float, Bounds(ge=0, le=1e10)]
"""A time that was or will be spent."""

Distance = Annotated[float, Bounds(ge=0)]
"""How far two numbers are from each other."""
