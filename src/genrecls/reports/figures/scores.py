"""How well systems do, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genrecls.comparison.leaderboard import Leaderboard, System
from genrecls.reports.figures.systems import head_room, heading, inches, names
from genrecls.reports.style import BLUE, INK, MUTED, ORANGE, clean_axes, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DRAWING, _ROW, _NAMES = 6.0, 0.46, 48
# Validation ranks and is hollow; the test part is what the result is.
_PARTS: dict[str, dict[str, Any]] = {
    "validation": {"color": ORANGE, "markerfacecolor": "white", "shift": -0.17},
    "test": {"color": BLUE, "markerfacecolor": BLUE, "shift": 0.17},
}


def accuracies(boards: Sequence[Leaderboard]) -> Figure:
    """Draw accuracy per track with 95 % intervals: a row a system, a small dot a run."""
    about = (
        "accuracy per track, mean over the runs of a system with its 95 % interval · "
        "a small dot: one run"
    )
    heights = [0.75 + head_room(board, _DRAWING) + _ROW * len(board.systems) for board in boards]
    widest = inches([name for board in boards for name in names(board, _NAMES)], 8.5)
    figure = new_figure("Accuracy with intervals", about, (_DRAWING + widest, sum(heights) + 0.3))
    grid = figure.add_gridspec(len(boards), 1, height_ratios=heights)
    for index, board in enumerate(boards):
        _board(figure.add_subplot(grid[index]), board)
        heading(figure, grid[index], board, _DRAWING)
    _legend(figure)
    return figure


def _board(axes: Axes, board: Leaderboard) -> None:
    clean_axes(axes, grid="x")
    for row, system in enumerate(board.systems):
        for part, style in _PARTS.items():
            _score(axes, system, part, row + style["shift"])
    axes.set_ylim(len(board.systems) - 0.4, -0.6)
    axes.set_yticks(range(len(board.systems)), names(board, _NAMES))
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_xlabel("accuracy in %", size=8.5, color=MUTED)


def _score(axes: Axes, system: System, part: str, height: float) -> None:
    colour, fill = _PARTS[part]["color"], _PARTS[part]["markerfacecolor"]
    low, high = (100 * bound for bound in system.interval(part))
    axes.plot([low, high], [height] * 2, color=colour, linewidth=1.6, solid_capstyle="butt")
    if len(system.runs) > 1:
        runs = [100 * run.score(part, "accuracy") for run in system.runs]
        axes.plot(runs, [height] * len(runs), "o", color=colour, markersize=2.8, alpha=0.6)
    mean = 100 * system.score(part).mean
    axes.plot(mean, height, "o", color=colour, markerfacecolor=fill, markersize=6.5)


def _legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], label=part, marker="o", color=style["color"], markersize=6.5, linewidth=1.6)
        for part, style in _PARTS.items()
    ]
    for handle, style in zip(handles, _PARTS.values(), strict=True):
        handle.set_markerfacecolor(style["markerfacecolor"])
    look: dict[str, Any] = {"frameon": False, "fontsize": 8.5, "labelcolor": INK}
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), **look)
