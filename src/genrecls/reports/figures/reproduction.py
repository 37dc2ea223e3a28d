"""Reported accuracies and ours, a line a system."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genrecls.comparison.reproduction import PROTOCOLS, Protocol, ReproducedSystem
from genrecls.reports.style import (
    BLUE,
    GREEN,
    MUTED,
    ORANGE,
    SCORE_LIMITS,
    clean_axes,
    empty_figure,
    in_style,
    name_rows,
    new_figure,
)
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Marker, colour and shift in rows.
_MARKS: dict[Protocol, tuple[str, str, float]] = {
    "published": ("o", ORANGE, -0.2),
    "tracks": ("s", BLUE, 0.0),
    "honest": ("^", GREEN, 0.2),
}


@in_style
def reported_and_ours(systems: Sequence[ReproducedSystem]) -> Figure:
    """Draw the reported accuracy of every system and ours under each protocol.

    Bars reach one standard deviation over the seeds to both sides.
    """
    about = "test accuracy, each in the unit of the report; bars: standard deviation over seeds"
    shown = [system for system in systems if system.cells]
    figure = new_figure("Reported and ours", about, (8.2, 0.52 * max(2, len(shown)) + 1.0))
    if not shown:
        return empty_figure(figure, "no finished runs")
    axes = clean_axes(figure.add_subplot(), "x")
    for row, system in enumerate(shown):
        # A label that begins with a low line is not in the legend.
        label = "_" if row else "reported"
        ends = (row - 0.36, row + 0.36)
        axes.vlines(system.published.accuracy, *ends, color=MUTED, lw=2.4, label=label)
    for protocol, (marker, colour, shift) in _MARKS.items():
        points = [
            (system.cells[protocol].scores[system.published.unit], row + shift)
            for row, system in enumerate(shown)
            if protocol in system.cells
        ]
        if points:
            axes.errorbar(
                [score.mean for score, _ in points],
                [y for _, y in points],
                xerr=[score.deviation or 0.0 for score, _ in points],
                fmt=marker,
                color=colour,
                ms=5.5,
                capsize=2.5,
                lw=1.2,
                label=PROTOCOLS[protocol],
            )
    names = []
    for system in shown:
        figure_of, changed = system.published, ", CHANGED" if system.changed else ""
        name = f"{figure_of.paper}: {drawable(figure_of.system, 28)}"
        names.append(f"{name}\nper {figure_of.unit}{changed}")
    name_rows(axes, names, room=0.5)
    axes.set(xlim=SCORE_LIMITS, xlabel="accuracy")
    figure.legend(loc="outside lower center", ncols=4)
    return figure
