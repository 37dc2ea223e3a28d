"""Accuracy of every system with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genrecls.comparison.leaderboard import Leaderboard
from genrecls.reports.figures.systems import head_room, names, widest, write_heading
from genrecls.reports.style import (
    BLUE,
    ORANGE,
    SCORE_LIMITS,
    clean_axes,
    in_style,
    name_rows,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DRAWING, _ROW = 6.0, 0.46
# Colour, fill and shift: validation ranks and is hollow; the test part is what the result is.
_PARTS = {"validation": (ORANGE, "white", -0.17), "test": (BLUE, BLUE, 0.17)}


@in_style
def accuracies(boards: Sequence[Leaderboard]) -> Figure:
    """Draw accuracy per track with 95 % intervals: a row a system, a small dot a run."""
    from matplotlib.lines import Line2D

    about = (
        "accuracy per track, mean over the runs of a system with its 95 % interval · "
        "a small dot: one run"
    )
    heights = [0.75 + head_room(board, _DRAWING) + _ROW * len(board.systems) for board in boards]
    size = (_DRAWING + widest(boards), sum(heights) + 0.3)
    figure = new_figure("Accuracy with intervals", about, size)
    grid = figure.add_gridspec(len(boards), 1, height_ratios=heights)
    for index, board in enumerate(boards):
        axes = clean_axes(figure.add_subplot(grid[index]), "x")
        for row, system in enumerate(board.systems):
            for part, (colour, fill, shift) in _PARTS.items():
                y = row + shift
                axes.plot(
                    system.interval(part), [y, y], color=colour, lw=1.6, solid_capstyle="butt"
                )
                if len(system.runs) > 1:
                    runs = [run.score(part, "accuracy") for run in system.runs]
                    axes.plot(runs, [y] * len(runs), "o", color=colour, ms=2.8, alpha=0.6)
                mean = system.score(part).mean
                axes.plot(mean, y, "o", color=colour, markerfacecolor=fill, ms=6.5)
        name_rows(axes, names(board))
        axes.set(xlim=SCORE_LIMITS, xlabel="accuracy")
        write_heading(figure, grid[index], board, _DRAWING)
    handles = [
        Line2D([], [], label=part, marker="o", color=colour, markerfacecolor=fill, ms=6.5, lw=1.6)
        for part, (colour, fill, _) in _PARTS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure
