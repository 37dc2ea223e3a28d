"""One model input of each genre."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from genrecls.explain.examples_per_genre import ExampleInputs
from genrecls.reports.scope import Scope
from genrecls.reports.style import (
    MUTED,
    empty_figure,
    in_style,
    in_two_lines,
    new_figure,
    whole_numbers,
)
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 5


def grid_of(total: int) -> tuple[int, int]:
    """Return rows and columns of panels for so many pictures."""
    columns = min(_COLUMNS, max(total, 1))
    return max(1, math.ceil(total / columns)), columns


@in_style
def example_inputs(examples: ExampleInputs, scope: Scope) -> Figure:
    """Draw one segment a genre, all on one scale of colours.

    Args:
        examples: the pictures (frames, coefficients) and the names of their axes.
        scope: where the segments are from.
    """
    from matplotlib.ticker import MaxNLocator

    total = len(examples.pictures)
    rows, columns = grid_of(total)
    size = (max(4.6, 1.84 * columns), 1.6 * rows + 0.4)
    figure = new_figure("What the model sees", str(scope), size, alarm=scope.leaky)
    if not total:
        return empty_figure(figure, "no examples")

    # A few outliers must not leave all the rest one shade.
    values = np.concatenate([p[np.isfinite(p)] for p in examples.pictures.values()])
    low, high = np.percentile(values, (1, 99)) if values.size else (0.0, 1.0)
    high = high if high > low else low + 1
    for index, (genre, picture) in enumerate(examples.pictures.items()):
        axes = figure.add_subplot(rows, columns, index + 1)
        axes.set_title(in_two_lines(genre))
        extent = (0.0, examples.seconds, -0.5, picture.shape[1] - 0.5)
        axes.imshow(
            picture.swapaxes(0, 1),
            origin="lower",
            cmap="YlGnBu",
            extent=extent,
            vmin=float(low),
            vmax=float(high),
        )
        axes.xaxis.set_major_locator(MaxNLocator(4))
        whole_numbers(axes.yaxis, 4)
        left, last = index % columns == 0, index + columns >= total
        axes.tick_params(labelsize=7.5, labelleft=left, labelbottom=last)
    figure.supxlabel(f"{drawable(examples.axes[0])} (seconds)", color=MUTED)
    figure.supylabel(drawable(examples.axes[1]), color=MUTED)
    return figure
