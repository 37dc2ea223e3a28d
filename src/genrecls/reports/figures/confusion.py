"""Which genre is taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.reports.scope import Scope
from genrecls.reports.style import INK, MUTED, clean_axes, new_figure
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def confusion_matrix(
    counts: Sequence[Sequence[int]], labels: Sequence[str], scope: Scope
) -> Figure:
    """Draw the counts (true, predicted); the shade is the share of the true genre's row.

    Args:
        counts: square table, rows are the true and columns the predicted genres.
        labels: the genres in the order of the table.
        scope: what was counted.
    """
    table = np.asarray(counts, dtype=np.int64).reshape(len(labels), len(labels))
    side = max(3.0, (0.52 if len(labels) <= 12 else 0.42) * len(labels))
    figure = new_figure("Confusion matrix", str(scope), (side + 2.6, side + 1.3), alarm=scope.leaky)
    axes = clean_axes(figure.add_subplot())
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    _name_axes(axes, labels, cell=side / max(1, len(labels)))
    _write_counts(axes, table, shares)
    bar = figure.colorbar(picture, ax=axes, shrink=0.6, aspect=28, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, colors=MUTED, length=0)
    bar.set_label("share of the true genre", size=8.5, color=MUTED)
    return figure


def _name_axes(axes: Axes, labels: Sequence[str], cell: float) -> None:
    names = [drawable(label, 18) for label in labels]
    slanted: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    # A character is about 0.08 inches wide; names that would touch are turned.
    narrow = 0.08 * max(map(len, names), default=0) + 0.1 <= cell
    axes.set_xticks(range(len(names)), names, color=INK, **({} if narrow else slanted))
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.set_xlabel("predicted", size=9, color=MUTED)
    axes.set_ylabel("true", size=9, color=MUTED)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    # White lines between cells keep neighbours of one shade apart.
    edges = np.arange(len(names) + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)


def _write_counts(axes: Axes, table: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    size = 9 if len(table) <= 12 else 7.5
    for (row, column), count in np.ndenumerate(table):
        if count:
            colour = "white" if shares[row, column] > 0.55 else INK
            weight = "bold" if row == column else "normal"
            place: dict[str, Any] = {"ha": "center", "va": "center", "weight": weight}
            axes.text(column, row, str(count), color=colour, size=size, **place)
