"""F1 of every genre for every system."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genrecls.comparison.leaderboard import Leaderboard
from genrecls.reports.figures.systems import head_room, names, widest, write_heading
from genrecls.reports.numbers import decimal
from genrecls.reports.style import INK, in_style, inches, new_figure, separate_cells
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CELL, _LINE, _LEAST_WIDTH = 0.62, 0.34, 4.0


@in_style
def genre_map(boards: Sequence[Leaderboard], part: str) -> Figure:
    """Draw F1 of every genre per track: a table a leaderboard, a row a system.

    Args:
        boards: what is drawn below each other.
        part: part of the split.
    """
    about = f"{part} part, per track · F1, mean over the runs of a system"
    width = max(_LEAST_WIDTH, _CELL * max(len(board.systems[0].f1(part)) for board in boards))
    genres = {genre: drawable(genre, 32) for b in boards for genre in b.systems[0].f1(part)}
    slant = 0.7 * max(map(inches, genres.values()))
    rows = [0.7 + slant + head_room(board, width) + _LINE * len(board.systems) for board in boards]
    figure = new_figure("F1 of each genre", about, (width + widest(boards), sum(rows)))
    grid = figure.add_gridspec(len(boards), 1, height_ratios=rows)
    for index, board in enumerate(boards):
        axes = figure.add_subplot(grid[index])
        scores = [system.f1(part) for system in board.systems]
        table = np.array([list(f1.values()) for f1 in scores])
        axes.imshow(table, cmap="Blues", vmin=0, vmax=1)
        for (row, column), value in np.ndenumerate(table):
            colour = "white" if value > 0.55 else INK
            text = decimal(value, 2)
            axes.text(column, row, text, ha="center", va="center", color=colour)
        slanted: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
        shown = [genres[genre] for genre in scores[0]]
        axes.set_xticks(range(len(shown)), shown, color=INK, **slanted)
        axes.set_yticks(range(len(scores)), names(board), color=INK)
        separate_cells(axes, *table.shape)
        write_heading(figure, grid[index], board, width)
    return figure
