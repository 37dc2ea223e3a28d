"""The confusion matrix: which genre is predicted for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genrecls.reports.scope import Scope
from genrecls.reports.style import INK, colour_bar, in_style, inches, new_figure, separate_cells
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_style
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
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    few = len(labels) <= 12
    side = max(3.0, (0.52 if few else 0.42) * len(labels))
    names = [drawable(label, 32) for label in labels]
    longest = max(map(inches, names), default=0.0)
    # A name beside the table at its left, below it slanted; then the titles and the scale.
    size = (side + longest + 1.6, side + 0.7 * longest + 0.9)
    figure = new_figure("Confusion matrix", str(scope), size, alarm=scope.leaky)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    for (row, column), count in np.ndenumerate(table):
        if count:
            style: dict[str, Any] = {"ha": "center", "va": "center", "size": 9 if few else 7.5}
            style["color"] = "white" if shares[row, column] > 0.55 else INK
            style["weight"] = "bold" if row == column else "normal"
            axes.text(column, row, str(count), **style)

    slanted: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    # Names that would touch are turned.
    narrow = 1.1 * longest + 0.1 <= side / max(1, len(labels))
    axes.set_xticks(range(len(names)), names, color=INK, **({} if narrow else slanted))
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.set(xlabel="predicted", ylabel="true")
    separate_cells(axes, len(names), len(names))
    label = "share of the true genre"
    colour_bar(figure, image, label, ax=axes, shrink=0.6, aspect=28, pad=0.02)
    return figure
