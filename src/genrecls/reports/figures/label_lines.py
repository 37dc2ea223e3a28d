"""A column of names beside a drawing, a thin line from each to its point."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def height_of(index: int, many: int) -> float:
    """Return where the name `index` of `many` stands in a column from 0 to 1, the first on top."""
    return 1 - (index + 0.5) / many


def leader(start: tuple[Axes, float, float], end: tuple[Axes, float, float], colour: str) -> None:
    """Draw a line between points of two axes, each in its own data.

    Args:
        start: axes, x and y of the point.
        end: axes, x and y of the name.
        colour: of the line.
    """
    from matplotlib.patches import ConnectionPatch

    (axes, *point), (column, *name) = start, end
    line = ConnectionPatch(
        (point[0], point[1]),
        (name[0], name[1]),
        "data",
        "data",
        axesA=axes,
        axesB=column,
        color=colour,
        alpha=0.4,
        linewidth=0.8,
    )
    line.set_in_layout(False)
    # Below the axes, so that no line crosses a marker.
    line.set_zorder(-1)
    column.figure.add_artist(line)
