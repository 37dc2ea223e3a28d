"""Which system finds which genre."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genrecls.comparison.leaderboard import Leaderboard
from genrecls.reports.figures.systems import head_room, heading, inches, names
from genrecls.reports.numbers import decimal
from genrecls.reports.style import INK, clean_axes, new_figure
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL, _LINE = 0.62, 0.34
_LEAST_WIDTH, _NAMES = 4.0, 48


def genre_map(boards: Sequence[Leaderboard], part: str) -> Figure:
    """Draw F1 of every genre per track: a table a leaderboard, a row a system.

    Args:
        boards: what is drawn below each other.
        part: part of the split.
    """
    about = f"{part} part, per track · F1, mean over the runs of a system"
    genres = max(len(board.systems[0].f1(part)) for board in boards)
    widest = inches([name for board in boards for name in names(board, _NAMES)], 8.5)
    width = max(_LEAST_WIDTH, _CELL * genres)
    rows = [1.15 + head_room(board, width) + _LINE * len(board.systems) for board in boards]
    figure = new_figure("F1 of each genre", about, (width + widest, sum(rows)))
    grid = figure.add_gridspec(len(boards), 1, height_ratios=rows)
    for index, board in enumerate(boards):
        _table(figure.add_subplot(grid[index]), board, part)
        heading(figure, grid[index], board, width)
    return figure


def _table(axes: Axes, board: Leaderboard, part: str) -> None:
    found = [system.f1(part) for system in board.systems]
    table = np.array([list(f1.values()) for f1 in found])
    clean_axes(axes)
    axes.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    slanted: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(found[0])), [drawable(g, 16) for g in found[0]], **slanted)
    axes.set_yticks(range(len(found)), names(board, _NAMES))
    axes.tick_params(length=0, labelcolor=INK)
    _part_cells(axes, table.shape)
    for (row, column), value in np.ndenumerate(table):
        ink = "white" if value > 0.55 else INK
        axes.text(column, row, decimal(value, 2), ha="center", va="center", size=8.5, color=ink)


def _part_cells(axes: Axes, shape: tuple[int, ...]) -> None:
    """Draw white lines between cells, which keep neighbours of one shade apart."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_yticks(np.arange(shape[0] + 1) - 0.5, minor=True)
    axes.set_xticks(np.arange(shape[1] + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)
