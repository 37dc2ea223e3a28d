"""How many segments of each genre there are to learn from and to be tested on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genrecls.evaluation.class_balance import REPORTED_RATIO
from genrecls.reports.numbers import count
from genrecls.reports.scope import Scope
from genrecls.reports.style import (
    BLUE,
    GREEN,
    INK,
    VERMILION,
    WARNING,
    in_style,
    name_rows,
    new_figure,
)
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Counts = Mapping[str, Mapping[str, int]]
"""For each part the number of examples by genre; the same genres in all parts."""
_COLOURS = {"train": BLUE, "validation": VERMILION, "test": GREEN}


def unequal(counts: Counts) -> bool:
    """Return whether some part has much more of one genre than of another, or none of one."""
    return any(
        max(genres.values()) > REPORTED_RATIO * min(genres.values()) for genres in counts.values()
    )


@in_style
def genre_counts(counts: Counts, scope: Scope) -> Figure:
    """Draw a panel a part and a bar a genre, the genre that is most frequent in training on top.

    Each panel has its own scale: whether the parts have the same shape is what is looked for.

    Args:
        counts: what is drawn.
        scope: all parts that are counted, and what was counted.
    """
    first = next(iter(counts.values()))
    ranked = sorted(first, key=lambda genre: -first[genre])
    height = 0.26 * max(3, len(ranked)) + 0.5
    figure = new_figure("Examples of each genre", str(scope), (9.4, height), alarm=scope.leaky)
    panels = figure.subplots(1, len(counts), sharey=True, squeeze=False)[0]
    for axes, (part, genres) in zip(panels, counts.items(), strict=True):
        values = [genres[genre] for genre in ranked]
        axes.barh(range(len(values)), values, height=0.68, color=_COLOURS.get(part, BLUE))
        for row, value in enumerate(values):
            colour = INK if value else WARNING
            axes.text(value, row, f" {count(value)}", va="center", color=colour)
        axes.set_title(f"{part} ({count(sum(values))})")
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        # Room for the number behind the longest bar.
        axes.set_xlim(0, 1.3 * max(1, *values))
        axes.tick_params(length=0)
    name_rows(panels[0], [drawable(genre, 32) for genre in ranked])
    return figure
