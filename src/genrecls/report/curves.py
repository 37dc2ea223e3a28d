"""How several systems learned, over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genrecls.comparison import Leaderboard
from genrecls.finished import Finished
from genrecls.report.canvas import GREY, INK, MUTED, PALETTE, WARNING, quiet, sheet
from genrecls.report.formats import finite
from genrecls.report.lettering import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = {
    "train loss": "loss",
    "validation loss": "validation_loss",
    "validation accuracy": "validation_accuracy",
}


def learning_curves(boards: Sequence[Leaderboard]) -> Figure:
    """Draw loss and accuracy over the epochs: a row a leaderboard, a line a run."""
    about = "per segment · a line a run · a dot: the epoch whose weights were kept"
    heights = [0.7 + max(2.2, 0.2 * len(board.systems) + 0.4) for board in boards]
    figure = sheet("Learning curves", about, (11.0, sum(heights)))
    widths = [*[1.0] * len(_PANELS), 0.8]
    grid = figure.add_gridspec(len(boards), len(widths), height_ratios=heights, width_ratios=widths)
    colours = _colours(boards)
    for index, board in enumerate(boards):
        panels = [figure.add_subplot(grid[index, place]) for place in range(len(widths))]
        _row(panels, board, colours)
    return figure


def _colours(boards: Sequence[Leaderboard]) -> dict[str, str]:
    """Return a colour for each label, the same in all rows; behind the last one all are grey."""
    labels = dict.fromkeys(system.label for board in boards for system in board.systems)
    return dict(zip(labels, (*PALETTE, *[GREY] * len(labels)), strict=False))


def _row(panels: Sequence[Axes], board: Leaderboard, colours: Mapping[str, str]) -> None:
    for axes, (title, column) in zip(panels[:-1], _PANELS.items(), strict=True):
        quiet(axes, grid="y")
        # The best is drawn last, over the others.
        for system in reversed(board.systems):
            for run in system.runs:
                _line(axes, run, column, colours[system.label])
        _label(axes, title)
    panels[0].set_title(drawable(board.about, 60), **heading(board))
    _legend(panels[-1], board, colours)


def heading(board: Leaderboard) -> dict[str, Any]:
    """Return how the title of a leaderboard is written in a figure."""
    loud = {"color": WARNING, "weight": "bold"} if board.leaky else {"color": INK}
    return {"loc": "left", "size": 10, **loud}


def _line(axes: Axes, run: Finished, column: str, colour: str) -> None:
    epochs = [epoch["epoch"] for epoch in run.history]
    values = [finite(epoch.get(column)) for epoch in run.history]
    axes.plot(epochs, values, color=colour, linewidth=1.2, alpha=0.85)
    kept = run.metrics["selection"]["epoch"]
    if kept in epochs:
        axes.plot(kept, values[epochs.index(kept)], "o", color=colour, markersize=4.5)


def _label(axes: Axes, title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_ylabel(title, size=9, color=INK)
    axes.set_xlabel("epoch", size=8.5, color=MUTED)
    axes.set_xlim(left=0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))


def _legend(axes: Axes, board: Leaderboard, colours: Mapping[str, str]) -> None:
    from matplotlib.lines import Line2D

    axes.set_axis_off()
    handles = [
        Line2D([], [], color=colours[system.label], linewidth=2, label=drawable(system.label, 32))
        for system in board.systems
    ]
    style: dict[str, Any] = {"frameon": False, "fontsize": 8.5, "labelcolor": INK}
    axes.legend(handles=handles, loc="upper left", borderaxespad=0, **style)
