"""Accuracy of every system against its number of parameters."""

from __future__ import annotations

from collections.abc import Sequence
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
    from matplotlib.figure import Figure

_DRAWING, _NAMES = 5.2, 44
_LEAST_HEIGHT, _ROW = 2.7, 0.26


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
        points = {s.label: (max(1, s.parameters), s.score(part).mean) for s in board.systems}
        for system in reversed(board.systems):
            x, y = points[system.label]
            bounds = [[abs(bound - y)] for bound in system.interval(part)]
            colour = shades[system.label]
            axes.errorbar([x], [y], yerr=bounds, fmt="o", color=colour, elinewidth=1.2)
        clean_axes(axes, "both").set(xlabel="parameters", ylabel="accuracy", ylim=SCORE_LIMITS)
        logarithmic(axes, count, [x for x, _ in points.values()])

        # Names in the order of their points, so that few lines cross.
        labels = sorted(points, key=lambda label: -points[label][1])
        name_column(column, [texts[row][label] for label in labels])
        for index, label in enumerate(labels):
            name = (column, 0.0, name_height(index, len(labels)))
            draw_line((axes, *points[label]), name, shades[label])
        write_heading(figure, grid[row, :], board, width - 1)
    return figure
