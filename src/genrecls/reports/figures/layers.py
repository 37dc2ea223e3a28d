"""The outputs of the layers of a network, and the weights of its first layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.explain.explanation import AudioOrigin
from genrecls.explain.layers import Kernel
from genrecls.reports.style import BLUE, MUTED, RULE, clean_axes, colour_bar, in_style, new_figure
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Picture = NDArray[np.floating[Any]]

_MOST_MAPS, _MOST_FILTERS, _COLUMNS = 32, 64, 8


@in_style
def activation_maps(layer: str, output: Picture, origin: AudioOrigin) -> Figure:
    """Draw the output of a layer for one segment.

    Args:
        layer: name of the layer.
        output: (frames, coefficients, channels), a small picture each channel, of many channels
            those that vary most; (frames, units) as one picture; or (units,) as bars.
        origin: file, segment and model.
    """
    title = f"Output of layer {drawable(layer, 40)}"
    if output.ndim == 1:
        figure = new_figure(title, str(origin), (8.4, 1.9), alarm=origin.leaky)
        axes = clean_axes(figure.add_subplot(), "y")
        axes.bar(range(len(output)), output, 0.9, color=BLUE)
        axes.axhline(0, color=RULE, lw=0.8)
        axes.set(xlim=(-0.6, len(output) - 0.4), xlabel="unit")
        return figure
    if output.ndim == 2:
        return _draw_matrix(title, output, ("frame", "unit"), origin)
    maps = output.reshape(*output.shape[:2], -1).transpose(2, 0, 1)
    varied = np.argsort(-maps.std(axis=(1, 2)), kind="stable")[:_MOST_MAPS]
    few = f"the {len(varied)} that vary most of " if len(varied) < len(maps) else ""
    about = AudioOrigin(f"{few}{len(maps)} channels · {origin}", origin.leaky)
    return _draw_grid(title, {index: maps[index] for index in sorted(varied.tolist())}, about)


@in_style
def first_filters(kernel: Kernel, origin: AudioOrigin) -> Figure:
    """Draw the filters of a convolution side by side, or another kernel as one matrix."""
    title = f"What layer {drawable(kernel.layer, 40)} looks for"
    if kernel.weights.ndim == 2:
        figure = _draw_matrix(title, kernel.weights.T, ("unit", "input"), origin)
        axes = figure.axes[0]
        for index, gate in enumerate(kernel.gates):
            width = kernel.weights.shape[1] / len(kernel.gates)
            axes.axvline(index * width - 0.5, color=MUTED, lw=0.8)
            place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "ha": "center"}
            middle = (index + 0.5) * width - 0.5
            axes.annotate(gate, (middle, 1.02), size=8, color=MUTED, **place)
        return figure
    count, frames, coefficients = kernel.weights.shape
    few = f"first {_MOST_FILTERS} of " if count > _MOST_FILTERS else ""
    size = f"{frames} frames x {coefficients} coefficients"
    about = AudioOrigin(f"{few}{count} filters of {size} · {origin}", origin.leaky)
    return _draw_grid(title, dict(enumerate(kernel.weights[:_MOST_FILTERS])), about)


def _draw_matrix(
    title: str, values: Picture, axis_names: tuple[str, str], origin: AudioOrigin
) -> Figure:
    """Draw `values`, the first axis to the right."""
    figure = new_figure(title, str(origin), (8.4, 3.2), alarm=origin.leaky)
    axes = figure.add_subplot()
    colour_bar(figure, _draw_picture(axes, values, _limits(values)), ax=axes, aspect=28, pad=0.02)
    axes.set(xlabel=axis_names[0], ylabel=axis_names[1])
    return figure


def _draw_grid(title: str, maps: dict[int, Picture], origin: AudioOrigin) -> Figure:
    """Draw pictures (frames, coefficients) by their number, all on one scale of colours."""
    columns = min(_COLUMNS, len(maps))
    rows = math.ceil(len(maps) / columns)
    size = (max(4.6, 1.05 * columns + 0.8), 0.95 * rows + 0.5)
    figure = new_figure(title, str(origin), size, alarm=origin.leaky)
    limits = _limits(np.stack(list(maps.values())))
    panels = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes, (number, values) in zip(panels, maps.items(), strict=False):
        image = _draw_picture(axes, values, limits)
        axes.set_title(str(number), size=7.5, color=MUTED, pad=2)
    for axes in panels:
        axes.set_axis_off()
    colour_bar(figure, image, ax=panels, aspect=28, pad=0.02)
    figure.supxlabel("time \u2192", color=MUTED)
    figure.supylabel("coefficient \u2192", color=MUTED)
    return figure


def _draw_picture(axes: Axes, values: Picture, limits: tuple[float, float]) -> Any:
    """Draw (x, y); what has two signs gets two hues, what has one gets shades of one hue."""
    cmap = "RdBu" if limits[0] < 0 else "Blues"
    return axes.imshow(values.T, origin="lower", cmap=cmap, vmin=limits[0], vmax=limits[1])


def _limits(values: Picture) -> tuple[float, float]:
    """Return the scale's ends, as far from zero on both sides where there are both signs."""
    low, high = np.percentile(values, (0.5, 99.5))
    largest = max(abs(float(low)), abs(float(high)), 1e-12)
    return (-largest if values.min() < 0 else 0.0), largest
