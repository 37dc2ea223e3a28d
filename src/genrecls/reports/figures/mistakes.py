"""The wrong answers that were given the highest probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from genrecls.reports.numbers import finite
from genrecls.reports.scope import Scope
from genrecls.reports.style import (
    BLUE,
    MUTED,
    VERMILION,
    clean_axes,
    empty_figure,
    in_style,
    name_rows,
    new_figure,
)
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_style
def worst_mistakes(mistakes: Sequence[Mapping[str, Any]], scope: Scope, most: int = 12) -> Figure:
    """Draw the probability that was given to the wrong genre, one bar a file.

    Args:
        mistakes: the mistakes, worst first.
        scope: what was classified.
        most: number of mistakes that are shown.
    """
    shown = mistakes[:most]
    size = (7.4, 0.4 * max(3, len(shown)) + 0.9)
    figure = new_figure("Worst mistakes", str(scope), size, alarm=scope.leaky)
    if not shown:
        return empty_figure(figure, "no mistakes")
    axes = clean_axes(figure.add_subplot(), "x")
    rows = range(len(shown))
    given = [finite(mistake["probability"]) for mistake in shown]
    right = [finite(mistake["true_probability"]) for mistake in shown]
    bars: dict[str, Any] = {"height": 0.2, "align": "edge", "color": VERMILION}
    axes.barh([row + 0.08 for row in rows], given, label="probability of the answer", **bars)
    marks: dict[str, Any] = {"ms": 6, "color": BLUE, "mec": "white"}
    label = "probability of the true genre"
    axes.plot(right, [row + 0.18 for row in rows], "D", label=label, **marks)
    for row, mistake in enumerate(shown):
        pair = f"{drawable(mistake['true'], 32)} → {drawable(mistake['predicted'], 32)}"
        axes.text(0.008, row + 0.02, pair, va="bottom", size=8)
    name_rows(axes, [drawable(PurePath(mistake["path"]).name, 30) for mistake in shown])
    axes.set_xlim(0, 1)
    axes.set_title("true → predicted", size=8.5, color=MUTED)
    figure.legend(loc="outside lower right", ncols=2)
    return figure
