"""Accuracy of every system against its number of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genrecls.comparison.leaderboard import Leaderboard
from genrecls.reports.figures.systems import (
    colours,
    draw_line,
    head_room,
    name_column,
    name_height,
    names,
    write_heading,
)
from genrecls.reports.numbers import count, decimal
from genrecls.reports.style import (
    SCORE_LIMITS,
    clean_axes,
    in_style,
    inches,
    logarithmic,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DRAWING, _NAMES = 5.2, 44
_LEAST_HEIGHT, _ROW = 2.7, 0.26


@dataclass(frozen=True)
class Point:
    """A system in the drawing.

    Attributes:
        interval: 95 % interval of its accuracy.
        name: what is written beside it.
    """

    parameters: int
    accuracy: float
    interval: tuple[float, float]
    name: str
    colour: str

    @property
    def place(self) -> tuple[int, float]:
        """Where it is drawn."""
        return self.parameters, self.accuracy


@in_style
def accuracy_by_parameters(boards: Sequence[Leaderboard], part: str) -> Figure:
    """Draw accuracy against parameters: a drawing a leaderboard, a point a system.

    Args:
        boards: what is drawn below each other.
        part: part of the split.
    """
    about = f"{part} part, per track · mean over the runs of a system with its 95 % interval"
    texts = [
        {
            s.label: f"{name} · {decimal(s.score(part).mean)} · {count(s.parameters)}"
            for name, s in zip(names(board, _NAMES), board.systems, strict=True)
        }
        for board in boards
    ]
    column_width = max(inches(text, 8.0) for board in texts for text in board.values())
    width = _DRAWING + column_width
    heights = [
        head_room(board, width - 1) + max(_LEAST_HEIGHT, 0.7 + _ROW * len(board.systems))
        for board in boards
    ]
    figure = new_figure("Accuracy against parameters", about, (width, sum(heights)))
    grid = figure.add_gridspec(
        len(boards), 2, height_ratios=heights, width_ratios=(_DRAWING, column_width)
    )
    shades = colours(boards)
    for row, board in enumerate(boards):
        axes, column = (figure.add_subplot(grid[row, place]) for place in (0, 1))
        # A logarithmic axis has no zero.
        points = [
            Point(
                max(1, system.parameters),
                system.score(part).mean,
                system.interval(part),
                texts[row][system.label],
                shades[system.label],
            )
            for system in board.systems
        ]
        draw_points(axes, column, points)
        write_heading(figure, grid[row, :], board, width - 1)
    return figure


def draw_points(axes: Axes, column: Axes, points: Sequence[Point]) -> None:
    """Draw points, the first on top, with lines to their names in a column of their own."""
    for point in reversed(points):
        x, y = point.place
        bounds = [[abs(bound - y)] for bound in point.interval]
        axes.errorbar([x], [y], yerr=bounds, fmt="o", color=point.colour, elinewidth=1.2)
    clean_axes(axes, "both").set(xlabel="parameters", ylabel="accuracy", ylim=SCORE_LIMITS)
    logarithmic(axes, count, [point.parameters for point in points])

    # Names in the order of their points, so that few lines cross.
    named = sorted(points, key=lambda point: -point.accuracy)
    name_column(column, [point.name for point in named])
    for index, point in enumerate(named):
        name = (column, 0.0, name_height(index, len(named)))
        draw_line((axes, *point.place), name, point.colour)
