"""What the layers of a network answer, and what its first layer looks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.explain.explanation import AudioOrigin
from genrecls.explain.layers import Kernel
from genrecls.reports.style import BLUE, MUTED, RULE, clean_axes, new_figure
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Picture = NDArray[np.floating[Any]]

_MOST_MAPS, _MOST_FILTERS, _COLUMNS = 32, 64, 8


def activation_maps(layer: str, answer: Picture, origin: AudioOrigin) -> Figure:
    """Draw what a layer answers to one segment.

    Args:
        layer: name of the layer.
        answer: (frames, coefficients, channels), a small picture each channel, of many channels
            those that vary most; (frames, units) as one picture; or (units,) as bars.
        origin: file, segment and model.
    """
    title = f"Answers of layer {drawable(layer, 40)}"
    if answer.ndim == 1:
        return _bars(title, answer, origin)
    if answer.ndim == 2:
        return _matrix(title, answer, ("frame", "unit"), origin)
    maps = answer.reshape(*answer.shape[:2], -1).transpose(2, 0, 1)
    shown = _liveliest(maps)
    few = f"the {len(shown)} that vary most of " if len(shown) < len(maps) else ""
    about = AudioOrigin(f"{few}{len(maps)} channels · {origin}", origin.leaky)
    return _grid(title, {index: maps[index] for index in shown}, about)


def first_filters(kernel: Kernel, origin: AudioOrigin) -> Figure:
    """Draw the filters of a convolution side by side, or another kernel as one matrix."""
    title = f"What layer {drawable(kernel.layer, 40)} looks for"
    if kernel.weights.ndim == 2:
        figure = _matrix(title, kernel.weights.T, ("unit", "input"), origin)
        _name_gates(figure.axes[0], kernel)
        return figure
    count, frames, coefficients = kernel.weights.shape
    few = f"first {_MOST_FILTERS} of " if count > _MOST_FILTERS else ""
    size = f"{frames} frames x {coefficients} coefficients"
    about = AudioOrigin(f"{few}{count} filters of {size} · {origin}", origin.leaky)
    return _grid(title, dict(enumerate(kernel.weights[:_MOST_FILTERS])), about)


def _bars(title: str, answer: Picture, origin: AudioOrigin) -> Figure:
    figure = new_figure(title, str(origin), (8.4, 1.9), alarm=origin.leaky)
    axes = clean_axes(figure.add_subplot(), grid="y")
    axes.bar(range(len(answer)), answer, 0.9, color=BLUE)
    axes.set_xlim(-0.6, len(answer) - 0.4)
    axes.axhline(0, color=RULE, linewidth=0.8)
    axes.set_xlabel("unit", size=8.5, color=MUTED)
    return figure


def _matrix(
    title: str, values: Picture, axis_names: tuple[str, str], origin: AudioOrigin
) -> Figure:
    """Draw `values`, the first axis to the right."""
    figure = new_figure(title, str(origin), (8.4, 3.2), alarm=origin.leaky)
    axes = clean_axes(figure.add_subplot())
    _bar(figure, _picture(axes, values, _limits(values)), [axes])
    axes.set_xlabel(axis_names[0], size=8.5, color=MUTED)
    axes.set_ylabel(axis_names[1], size=8.5, color=MUTED)
    return figure


def _grid(title: str, maps: dict[int, Picture], origin: AudioOrigin) -> Figure:
    """Draw pictures (frames, coefficients) by their number, all on one scale of colours."""
    columns = min(_COLUMNS, len(maps))
    rows = math.ceil(len(maps) / columns)
    size = (max(4.6, 1.05 * columns + 0.8), 0.95 * rows + 0.5)
    figure = new_figure(title, str(origin), size, alarm=origin.leaky)
    limits = _limits(np.stack(list(maps.values())))
    panels = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes, (number, values) in zip(panels, maps.items(), strict=False):
        picture = _picture(axes, values, limits)
        axes.set_title(str(number), loc="left", size=7.5, color=MUTED, pad=2)
    for axes in panels:
        axes.set_axis_off()
    _bar(figure, picture, panels)
    figure.supxlabel("time \u2192", size=8.5, color=MUTED)
    figure.supylabel("coefficient \u2192", size=8.5, color=MUTED)
    return figure


def _picture(axes: Axes, values: Picture, limits: tuple[float, float]) -> Any:
    """Draw (x, y); what has two signs gets two hues, what has one gets shades of one hue."""
    return clean_axes(axes).imshow(
        values.T,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="RdBu" if limits[0] < 0 else "Blues",
        vmin=limits[0],
        vmax=limits[1],
    )


def _limits(values: Picture) -> tuple[float, float]:
    """Return the scale's ends, as far from zero on both sides where there are both signs."""
    low, high = np.percentile(values, (0.5, 99.5))
    largest = max(abs(float(low)), abs(float(high)), 1e-12)
    return (-largest if values.min() < 0 else 0.0), largest


def _liveliest(maps: Picture) -> list[int]:
    """Return the numbers of the channels that vary most, in their order."""
    order = np.argsort(-maps.std(axis=(1, 2)), kind="stable")[:_MOST_MAPS]
    return sorted(order.tolist())


def _name_gates(axes: Axes, kernel: Kernel) -> None:
    if not kernel.gates:
        return
    width = kernel.weights.shape[1] / len(kernel.gates)
    for index, gate in enumerate(kernel.gates):
        axes.axvline(index * width - 0.5, color=MUTED, linewidth=0.8)
        place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "ha": "center"}
        axes.annotate(gate, ((index + 0.5) * width - 0.5, 1.02), size=8, color=MUTED, **place)


def _bar(figure: Figure, picture: Any, panels: Sequence[Axes]) -> None:
    bar = figure.colorbar(picture, ax=panels, aspect=28, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, colors=MUTED, length=0)
