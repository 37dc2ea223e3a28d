"""The table of what a network takes on an emulated Cortex-M4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genrecls.reports.tables import Column, Table

_NUMBERS = ("front end", "network", "stack", "arena", "front end RAM", "flash")
_NOTE = (
    "Emulated: millions of instructions (not cycles) a second of sound, bytes of stack at most, of "
    "the tensor arena, of RAM that the front end keeps, and of flash with the whole program."
)


def emulation_table(counted: Sequence[Mapping[str, Any]], title: str = "") -> Table:
    """Return counts as a table, a row for each build.

    Args:
        counted: fields of `genrecls.benchmark.emulator.Emulation`.
        title: of the table.
    """
    return Table(
        columns=("kernels, transform", *(Column(name, "number") for name in _NUMBERS)),
        rows=[
            [
                f"{one['kernels']}, {one['transform']}",
                *(
                    f"{one[key] / one['seconds'] / 1000:.1f}"
                    for key in ("front_end_instructions", "network_instructions")
                ),
                f"{max(one['front_end_stack'], one['network_stack']):,}",
                *(f"{one[key]:,}" for key in ("arena", "front_end_bytes", "flash")),
            ]
            for one in counted
        ],
        title=title,
        notes=(_NOTE,),
    )
