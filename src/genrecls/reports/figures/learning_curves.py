"""How one run learnt, and how the runs of several systems learnt, over each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genrecls.comparison.leaderboard import Leaderboard
from genrecls.reports.figures.systems import colours, head_room, names, widest, write_heading
from genrecls.reports.numbers import finite
from genrecls.reports.scope import Scope
from genrecls.reports.style import (
    BLUE,
    MUTED,
    SCORE_LIMITS,
    VERMILION,
    clean_axes,
    empty_figure,
    in_style,
    new_figure,
    whole_numbers,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANEL = 2.9
_PANELS = {
    "train loss": "loss",
    "validation loss": "validation_loss",
    "validation accuracy": "validation_accuracy",
}


@in_style
def learning_curves(boards: Sequence[Leaderboard]) -> Figure:
    """Draw loss and accuracy over the epochs: a row a leaderboard, a line a run."""
    from matplotlib.lines import Line2D

    about = "per segment · a line a run · a dot: the epoch whose weights were kept"
    widths = [*[_PANEL] * len(_PANELS), widest(boards) + 0.5]
    room = sum(widths) - 1
    heights = [head_room(b, room) + max(2.7, 0.2 * len(b.systems) + 0.9) for b in boards]
    figure = new_figure("Learning curves", about, (sum(widths), sum(heights)))
    grid = figure.add_gridspec(len(boards), len(widths), height_ratios=heights, width_ratios=widths)
    shades = colours(boards)
    for row, board in enumerate(boards):
        for place, (title, column) in enumerate(_PANELS.items()):
            axes = clean_axes(figure.add_subplot(grid[row, place]), "y")
            # The best is drawn last, over the others.
            for system in reversed(board.systems):
                for run in system.runs:
                    colour = shades[system.label]
                    epochs = [epoch["epoch"] for epoch in run.history]
                    values = [finite(epoch.get(column)) for epoch in run.history]
                    axes.plot(epochs, values, color=colour, lw=1.2, alpha=0.85)
                    kept = run.metrics.selection.epoch
                    if kept in epochs:
                        axes.plot(kept, values[epochs.index(kept)], "o", color=colour, ms=4.5)
            axes.set(xlabel="epoch", ylabel=title)
            axes.set_xlim(left=0.5)
            if column == "validation_accuracy":
                axes.set_ylim(SCORE_LIMITS)
            whole_numbers(axes.xaxis, 6)
        legend = figure.add_subplot(grid[row, len(_PANELS)])
        legend.set_axis_off()
        handles = [
            Line2D([], [], color=shades[system.label], lw=2, label=name)
            for system, name in zip(board.systems, names(board), strict=True)
        ]
        legend.legend(handles=handles, loc="upper left", borderaxespad=0)
        write_heading(figure, grid[row, :], board, room)
    return figure


@in_style
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
    epochs = [epoch["epoch"] for epoch in history]
    names = ["loss", "accuracy"]
    if len({epoch.get("learning_rate") for epoch in history}) > 1:
        names.append("learning rate")
    for index, name in enumerate(names):
        axes = clean_axes(figure.add_subplot(1, len(names), index + 1), "y")
        rate, key = name == "learning rate", name.replace(" ", "_")
        curves = [("train", key, BLUE), ("validation", f"validation_{key}", VERMILION)]
        for part, column, colour in curves:
            values = [finite(epoch.get(column)) for epoch in history]
            if not all(map(math.isnan, values)):
                style: dict[str, Any] = {"marker": "o" if len(epochs) < 30 else None, "ms": 3.5}
                style["drawstyle"] = "steps-post" if rate else "default"
                axes.plot(epochs, values, label=part, color=colour, **style)
        if name == "accuracy":
            axes.set_ylim(SCORE_LIMITS)
        if rate:
            axes.set_yscale("log")
            axes.tick_params(which="minor", labelsize=8)
        if selected is not None:
            label = f"selected: epoch {selected}"
            axes.axvline(selected, color=MUTED, lw=1, ls=(0, (4, 3)), label=label, zorder=1)
        axes.set_title(name)
        axes.set(xlabel="epoch", xlim=(min(epochs) - 0.5, max(epochs) + 0.5))
        whole_numbers(axes.xaxis, 8)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure
