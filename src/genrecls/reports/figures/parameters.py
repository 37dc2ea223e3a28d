"""What accuracy costs: systems by their number of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from genrecls.comparison.leaderboard import Leaderboard, System
from genrecls.reports.figures.label_lines import height_of, leader
from genrecls.reports.figures.systems import colours, head_room, heading, inches, names
from genrecls.reports.numbers import count, percent
from genrecls.reports.style import INK, MUTED, RULE, clean_axes, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DRAWING, _NAMES = 5.2, 44
_LEAST_HEIGHT, _ROW, _TYPE = 2.7, 0.26, 8.0


def accuracy_by_parameters(boards: Sequence[Leaderboard], part: str) -> Figure:
    """Draw accuracy against parameters: a drawing a leaderboard, a point a system.

    Args:
        boards: what is drawn below each other.
        part: part of the split.
    """
    about = f"{part} part, per track · mean over the runs of a system with its 95 % interval"
    named = [_named(board, part) for board in boards]
    widest = inches([text for texts in named for text, _ in texts], _TYPE)
    width = _DRAWING + widest
    heights = [
        head_room(board, width - 1) + max(_LEAST_HEIGHT, 0.7 + _ROW * len(board.systems))
        for board in boards
    ]
    figure = new_figure("Accuracy against parameters", about, (width, sum(heights)))
    grid = figure.add_gridspec(
        len(boards), 2, height_ratios=heights, width_ratios=(_DRAWING, widest)
    )
    for index, (board, texts) in enumerate(zip(boards, named, strict=True)):
        axes, column = (figure.add_subplot(grid[index, place]) for place in (0, 1))
        _board(axes, board, part, colours(boards))
        _column((axes, column), texts, part, colours(boards))
        heading(figure, grid[index, :], board, width - 1)
    return figure


def _board(axes: Axes, board: Leaderboard, part: str, shades: Mapping[str, str]) -> None:
    clean_axes(axes, grid="y").grid(axis="x", color=RULE, linewidth=0.6)
    for system in reversed(board.systems):
        x, y = _point(system, part)
        bounds = [[abs(100 * bound - y)] for bound in system.interval(part)]
        axes.errorbar([x], [y], yerr=bounds, fmt="o", color=shades[system.label], elinewidth=1.2)
    _scale(axes, [system.parameters for system in board.systems])
    axes.set_xlabel("parameters", size=8.5, color=MUTED)
    axes.set_ylabel("accuracy in %", size=9, color=INK)


def _point(system: System, part: str) -> tuple[float, float]:
    # A logarithmic axis has no zero.
    return max(1, system.parameters), 100 * system.score(part).mean


def _scale(axes: Axes, parameters: Sequence[int]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.set_xlim(max(1, min(parameters)) / 1.8, max(1, *parameters) * 1.8)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))
    axes.xaxis.set_minor_locator(NullLocator())


def _named(board: Leaderboard, part: str) -> list[tuple[str, System]]:
    """Return names and systems in the order of their points, so that few lines cross."""
    found = [
        (f"{name} · {percent(system.score(part).mean)} · {count(system.parameters)}", system)
        for name, system in zip(names(board, _NAMES), board.systems, strict=True)
    ]
    return sorted(found, key=lambda named: -named[1].score(part).mean)


def _column(
    panels: tuple[Axes, Axes],
    named: Sequence[tuple[str, System]],
    part: str,
    shades: Mapping[str, str],
) -> None:
    axes, column = panels
    column.set_axis_off()
    column.set(xlim=(0, 1), ylim=(0, 1))
    for index, (text, system) in enumerate(named):
        height = height_of(index, len(named))
        column.text(0.02, height, text, va="center", size=_TYPE, color=INK)
        leader((axes, *_point(system, part)), (column, 0.0, height), shades[system.label])
