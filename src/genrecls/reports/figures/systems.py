"""What all figures of a comparison share: names, colours, headings, and lines to names."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genrecls.reports.style import GREY, INK, PALETTE, WARNING, inches
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec

    from genrecls.comparison.leaderboard import Leaderboard

# Type of a heading in points, and its line in inches.
_SIZE, _LINE = 10.0, 0.19
_PLACE = 4


def colours(boards: Sequence[Leaderboard]) -> dict[str, str]:
    """Return a colour for each label, the same everywhere; behind the last one all are grey."""
    labels = dict.fromkeys(system.label for board in boards for system in board.systems)
    return dict(zip(labels, (*PALETTE, *[GREY] * len(labels)), strict=False))


def names(board: Leaderboard, width: int = 48) -> list[str]:
    """Return the systems as figures call them, each behind its place in the table."""
    return [f"{row.place}  {drawable(row.system.label, width - _PLACE)}" for row in board.ranked]


def widest(boards: Sequence[Leaderboard]) -> float:
    """Return about how many inches wide the longest of all names is."""
    return max(inches(name) for board in boards for name in names(board))


def head_room(board: Leaderboard, width: float) -> float:
    """Return the inches that the heading of a leaderboard takes above its drawing."""
    return _LINE * len(_lines(board, width))


def write_heading(figure: Figure, row: SubplotSpec, board: Leaderboard, width: float) -> None:
    """Write above a row of a figure what its leaderboard is about, `width` inches wide."""
    # Above a drawing that is narrower than its title, the layout would widen the drawing.
    axes = figure.add_subplot(row)
    axes.set_axis_off()
    text = "\n".join(drawable(line, len(line)) for line in _lines(board, width))
    colour, weight = (WARNING, "bold") if board.leaky else (INK, "normal")
    axes.set_title(text, size=_SIZE, color=colour, weight=weight)


def _lines(board: Leaderboard, width: float) -> list[str]:
    return textwrap.wrap(board.about, max(20, int(width / inches("x", _SIZE))))


def name_column(column: Axes, texts: Sequence[str], place: float = 0.02, ha: str = "left") -> None:
    """Write names below each other, in the height from 0 to 1, the first on top.

    Args:
        column: axes for nothing else.
        texts: the names.
        place: where they stand, from 0 to 1.
        ha: which end of a name stands there.
    """
    column.set_axis_off()
    column.set(xlim=(0, 1), ylim=(0, 1))
    for index, text in enumerate(texts):
        height = name_height(index, len(texts))
        column.text(place, height, text, ha=ha, va="center", size=8.0)


def name_height(index: int, many: int) -> float:
    """Return where the name `index` of `many` stands in a column from 0 to 1."""
    return 1 - (index + 0.5) / many


def draw_line(
    start: tuple[Axes, float, float], end: tuple[Axes, float, float], colour: str
) -> None:
    """Draw a thin line from a point to its name, each in the data of its own axes.

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
