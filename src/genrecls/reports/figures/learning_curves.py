"""How several systems learned, over each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genrecls.comparison.leaderboard import Leaderboard
from genrecls.reports.figures.systems import colours, head_room, heading, inches, names
from genrecls.reports.numbers import finite
from genrecls.reports.scope import Scope
from genrecls.reports.style import (
    BLUE,
    INK,
    MUTED,
    RULE,
    VERMILION,
    clean_axes,
    empty_figure,
    new_figure,
)
from genrecls.runs.record import RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL, _NAMES = 2.9, 48
_PANELS = {
    "train loss": "loss",
    "validation loss": "validation_loss",
    "validation accuracy": "validation_accuracy",
}


def learning_curves(boards: Sequence[Leaderboard]) -> Figure:
    """Draw loss and accuracy over the epochs: a row a leaderboard, a line a run."""
    about = "per segment · a line a run · a dot: the epoch whose weights were kept"
    widest = inches([name for board in boards for name in names(board, _NAMES)], 8.5) + 0.5
    widths = [*[_PANEL] * len(_PANELS), widest]
    heights = [
        head_room(board, sum(widths) - 1) + max(2.7, 0.2 * len(board.systems) + 0.9)
        for board in boards
    ]
    figure = new_figure("Learning curves", about, (sum(widths), sum(heights)))
    grid = figure.add_gridspec(len(boards), len(widths), height_ratios=heights, width_ratios=widths)
    shades = colours(boards)
    for index, board in enumerate(boards):
        panels = [figure.add_subplot(grid[index, place]) for place in range(len(widths))]
        _row(panels, board, shades)
        heading(figure, grid[index, :], board, sum(widths) - 1)
    return figure


def _row(panels: Sequence[Axes], board: Leaderboard, shades: Mapping[str, str]) -> None:
    for axes, (title, column) in zip(panels[:-1], _PANELS.items(), strict=True):
        clean_axes(axes, grid="y")
        # The best is drawn last, over the others.
        for system in reversed(board.systems):
            for run in system.runs:
                _line(axes, run, column, shades[system.label])
        _label(axes, title)
    _legend(panels[-1], board, shades)


def _line(axes: Axes, run: RunRecord, column: str, colour: str) -> None:
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


def _legend(axes: Axes, board: Leaderboard, shades: Mapping[str, str]) -> None:
    from matplotlib.lines import Line2D

    axes.set_axis_off()
    handles = [
        Line2D([], [], color=shades[system.label], linewidth=2, label=name)
        for system, name in zip(board.systems, names(board, _NAMES), strict=True)
    ]
    style: dict[str, Any] = {"frameon": False, "fontsize": 8.5, "labelcolor": INK}
    axes.legend(handles=handles, loc="upper left", borderaxespad=0, **style)


def learning_curve(
    history: Sequence[Mapping[str, Any]], scope: Scope, selected: int | None = None
) -> Figure:
    """Draw loss and accuracy of both parts over the epochs.

    The learning rate has a panel of its own where it changes.

    Args:
        history: the epochs in order.
        scope: what the curves are curves of.
        selected: the epoch whose weights were kept, counted from 1.
    """
    figure = new_figure("Learning curves", str(scope), (9.2, 3.1), alarm=scope.leaky)
    if not history:
        return empty_figure(figure, "no epoch is recorded")
    names = ["loss", "accuracy"]
    if len({epoch.get("learning_rate") for epoch in history}) > 1:
        names.append("learning rate")
    for index, name in enumerate(names):
        axes = clean_axes(figure.add_subplot(1, len(names), index + 1), grid="y")
        _curves(axes, history, name)
        _mark(axes, selected)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    style: dict[str, Any] = {"ncols": 3, "frameon": False, "fontsize": 8.5, "labelcolor": INK}
    figure.legend(handles, labels, loc="outside lower center", **style)
    return figure


def _curves(axes: Axes, history: Sequence[Mapping[str, Any]], name: str) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = [epoch["epoch"] for epoch in history]
    rate = name == "learning rate"
    key = name.replace(" ", "_")
    curves = [("train", key, BLUE), ("validation", f"validation_{key}", VERMILION)]
    for part, column, colour in curves:
        values = [finite(epoch.get(column)) for epoch in history]
        if not all(map(math.isnan, values)):
            marker = "o" if len(epochs) < 30 else None
            style: dict[str, Any] = {"marker": marker, "ms": 3.5, "color": colour}
            style["drawstyle"] = "steps-post" if rate else "default"
            axes.plot(epochs, values, label=part, **style)
    axes.set_title(name, loc="left", size=9.5, color=INK)
    axes.set_xlabel("epoch", size=8.5, color=MUTED)
    axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    if rate:
        axes.set_yscale("log")
        axes.tick_params(which="minor", labelsize=8, labelcolor=MUTED, color=RULE)


def _mark(axes: Axes, selected: int | None) -> None:
    if selected is None:
        return
    label = f"selected: epoch {selected}"
    axes.axvline(selected, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), label=label, zorder=1)
