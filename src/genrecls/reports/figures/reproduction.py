"""Reported accuracies and ours, a line a system."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genrecls.comparison.reproduction import PROTOCOLS, Protocol, ReproducedSystem
from genrecls.reports.style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    clean_axes,
    empty_figure,
    new_figure,
)
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS: dict[Protocol, tuple[str, str, float]] = {
    "published": ("o", ORANGE, -0.2),
    "tracks": ("s", BLUE, 0.0),
    "honest": ("^", GREEN, 0.2),
}


def dots(rows: Sequence[ReproducedSystem]) -> Figure:
    """Draw the reported accuracy of every system and ours under each protocol.

    Bars reach one standard deviation over the seeds to both sides.
    """
    about = "test accuracy, each in the unit of the report; bars: standard deviation over seeds"
    shown = [row for row in rows if row.cells]
    figure = new_figure("Reported and ours", about, (8.2, 0.52 * max(2, len(shown)) + 1.0))
    if not shown:
        return empty_figure(figure, "no finished runs")
    axes = clean_axes(figure.add_subplot(), grid="x")
    _reported(axes, shown)
    for protocol in PROTOCOLS:
        _ours(axes, shown, protocol)
    axes.set_yticks(range(len(shown)), [_name(row) for row in shown], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8.5, labelcolor=INK)
    return figure


def _name(row: ReproducedSystem) -> str:
    changed = ", CHANGED" if row.changed else ""
    system = drawable(row.published.system, 28)
    return f"{row.published.paper}: {system}\nper {row.published.unit}{changed}"


def _reported(axes: Axes, rows: Sequence[ReproducedSystem]) -> None:
    for index, row in enumerate(rows):
        ends = (index - 0.36, index + 0.36)
        label = "reported" if index == 0 else "_"
        axes.vlines(row.published.accuracy, *ends, color=MUTED, linewidth=2.4, label=label)


def _ours(axes: Axes, rows: Sequence[ReproducedSystem], protocol: Protocol) -> None:
    marker, colour, shift = _MARKS[protocol]
    points = [
        (row.cells[protocol].scores[row.published.unit], index + shift)
        for index, row in enumerate(rows)
        if protocol in row.cells
    ]
    if not points:
        return
    axes.errorbar(
        [score.mean for score, _ in points],
        [place for _, place in points],
        xerr=[score.deviation or 0.0 for score, _ in points],
        fmt=marker,
        color=colour,
        markersize=5.5,
        capsize=2.5,
        linewidth=1.2,
        label=PROTOCOLS[protocol],
    )
