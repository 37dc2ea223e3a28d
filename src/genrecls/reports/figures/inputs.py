"""What the model sees of each genre."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.explain.examples_per_genre import ExampleInputs
from genrecls.reports.scope import Scope
from genrecls.reports.style import INK, MUTED, clean_axes, empty_figure, new_figure
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Picture = NDArray[np.floating[Any]]

_COLUMNS = 5


def example_inputs(examples: ExampleInputs, scope: Scope) -> Figure:
    """Draw one segment a genre, all on one scale of colours.

    Args:
        examples: the pictures (frames, coefficients) and the names of their axes.
        scope: where the segments are from.
    """
    total = len(examples.pictures)
    rows, columns = grid_of(total)
    size = (max(4.6, 1.84 * columns), 1.6 * rows + 0.4)
    figure = new_figure("What the model sees", str(scope), size, alarm=scope.leaky)
    if not total:
        return empty_figure(figure, "no examples")
    limits = _limits(list(examples.pictures.values()))
    for index, (genre, picture) in enumerate(examples.pictures.items()):
        axes = clean_axes(figure.add_subplot(rows, columns, index + 1))
        axes.set_title(drawable(genre, 20), size=9, color=INK, loc="left")
        _picture(axes, picture, examples.seconds, limits)
        axes.tick_params(labelleft=index % columns == 0, labelbottom=index + columns >= total)
    figure.supxlabel(f"{drawable(examples.axes[0])} (seconds)", size=8.5, color=MUTED)
    figure.supylabel(drawable(examples.axes[1]), size=8.5, color=MUTED)
    return figure


def grid_of(total: int) -> tuple[int, int]:
    """Return rows and columns of panels for so many pictures."""
    columns = min(_COLUMNS, max(total, 1))
    return max(1, math.ceil(total / columns)), columns


def _picture(axes: Axes, picture: Picture, seconds: float, limits: tuple[float, float]) -> None:
    from matplotlib.ticker import MaxNLocator

    coefficients = picture.shape[1]
    axes.imshow(
        picture.swapaxes(0, 1),
        origin="lower",
        aspect="auto",
        cmap="YlGnBu",
        interpolation="nearest",
        extent=(0.0, seconds, -0.5, coefficients - 0.5),
        vmin=limits[0],
        vmax=limits[1],
    )
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    axes.tick_params(labelsize=7.5)


def _limits(pictures: Sequence[Picture]) -> tuple[float, float]:
    """Return the scale's ends; a few outliers must not leave all the rest one shade."""
    values = np.concatenate([picture[np.isfinite(picture)] for picture in pictures])
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, (1, 99))
    return float(low), float(high if high > low else low + 1)
