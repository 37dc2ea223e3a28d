"""What in the input of a model spoke for a genre and what against it, over the input itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.explain.examples_per_genre import GenreExample
from genrecls.explain.explanation import AudioOrigin
from genrecls.explain.plot_data import Evidence
from genrecls.reports.figures.inputs import grid_of
from genrecls.reports.scope import Scope
from genrecls.reports.style import (
    BLUE,
    MUTED,
    RULE,
    VERMILION,
    clean_axes,
    colour_bar,
    in_style,
    in_two_lines,
    name_rows,
    new_figure,
    whole_numbers,
)
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Picture = NDArray[np.floating[Any]]

_MOST_VALUES = 24
# For the eye, evidence is blurred over this share of each axis: values alone are speckles.
_BLUR = 1 / 80


@in_style
def evidence_map(evidence: Evidence, genre: str, origin: AudioOrigin) -> Figure:
    """Draw a picture, the evidence over it, and its sums along time and along the other axis.

    Args:
        evidence: a picture (frames, coefficients) and its weights.
        genre: the genre that is explained.
        origin: file, segment and model.
    """
    from matplotlib.ticker import MaxNLocator

    title = f"Evidence for {drawable(genre, 40)}"
    figure = new_figure(title, str(origin), (9.2, 6.6), alarm=origin.leaky)
    rows = [["seen", "seen_bar", "."], ["map", "map_bar", "bands"], ["time", ".", "."]]
    shape: dict[str, Any] = {"width_ratios": [6, 0.12, 1.1], "height_ratios": [2, 2, 0.8]}
    panels = figure.subplot_mosaic(rows, **shape)

    # The input alone, and below it the input made pale under the evidence.
    image = _draw_input(panels["seen"], evidence, "YlGnBu")
    ticks = MaxNLocator(5)
    colour_bar(figure, image, drawable(evidence.unit), cax=panels["seen_bar"], ticks=ticks)
    panels["seen"].set_title("what the model hears")
    _draw_input(panels["map"], evidence, "Greys", alpha=0.55)
    image = _draw_evidence(panels["map"], evidence, _largest([evidence.weights]))
    label, ticks = "against  \u2190  evidence  \u2192  for", MaxNLocator(5)
    colour_bar(figure, image, label, cax=panels["map_bar"], ticks=ticks)
    name = drawable(genre, 24)
    panels["map"].set_title(f"what speaks for {name} (blue) and what against it (orange)")
    for panel in (panels["seen"], panels["map"]):
        panel.set_ylabel(drawable(evidence.axis.label))
        panel.tick_params(labelbottom=False)

    sums, axes = evidence.weights.sum(axis=1), panels["time"]
    edges = np.linspace(*evidence.place, len(sums) + 1)
    axes.bar(edges[:-1], sums, np.diff(edges), align="edge", color=_colours(sums))
    axes.axhline(0, color=RULE, lw=0.8)
    axes.set(xlim=evidence.place, xlabel="seconds of the file", ylabel="nats")
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))

    sums, axes = evidence.weights.sum(axis=0), panels["bands"]
    axes.barh(range(len(sums)), sums, 1.0, color=_colours(sums))
    axes.axvline(0, color=RULE, lw=0.8)
    axes.set_ylim(panels["map"].get_ylim())
    axes.tick_params(labelleft=False)
    # Below the panel, numbers would push away the sums over time.
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("nats")
    return figure


@in_style
def evidence_bars(evidence: Evidence, genre: str, origin: AudioOrigin) -> Figure:
    """Draw the values of a vector that mattered most, one bar each, strongest first."""
    order = np.argsort(-np.abs(evidence.weights), kind="stable")[:_MOST_VALUES]
    title, size = f"Evidence for {drawable(genre, 40)}", (8.4, 0.26 * len(order) + 1.1)
    figure = new_figure(title, str(origin), size, alarm=origin.leaky)
    axes = clean_axes(figure.add_subplot(), "x")
    weights = evidence.weights[order]
    axes.barh(range(len(order)), weights, height=0.68, color=_colours(weights))
    axes.axvline(0, color=RULE, lw=0.8)
    values = ((drawable(evidence.axis.names[i], 36), evidence.values[i]) for i in order)
    name_rows(axes, [f"{name}  ({value:+.1f})" for name, value in values])
    axes.set_xlabel("against  \u2190  evidence in nats  \u2192  for")
    left = len(evidence.weights) - len(order)
    rest = f" · {left} weaker ones left out" if left else ""
    axes.set_title(f"in brackets: {evidence.unit}{rest}", size=8.5, color=MUTED)
    return figure


@in_style
def what_decided(examples: Sequence[GenreExample], scope: Scope) -> Figure:
    """Draw one segment a genre with the evidence for what was answered.

    Args:
        examples: the segments, of one kind of picture.
        scope: where the segments are from.
    """
    from matplotlib.patches import Patch

    rows, columns = grid_of(len(examples))
    size = (max(5.4, 1.84 * columns), 1.75 * rows + 0.4)
    figure = new_figure("What decided", str(scope), size, alarm=scope.leaky)
    largest = _largest([example.evidence.weights for example in examples])
    for index, example in enumerate(examples):
        axes = figure.add_subplot(rows, columns, index + 1)
        _draw_input(axes, example.evidence, "Greys", alpha=0.55)
        _draw_evidence(axes, example.evidence, largest)
        axes.set_title(in_two_lines(example.true), pad=14)
        answer = f"\u2192 {drawable(example.predicted, 16)} {example.probability:.2f}"
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
        colour = MUTED if example.true == example.predicted else VERMILION
        axes.annotate(answer, (0, 1), (0, 4), size=8, color=colour, **place)
        axes.tick_params(labelsize=7.5, labelleft=index % columns == 0)
    patches = [
        Patch(color=BLUE, label="evidence for the answer"),
        Patch(color=VERMILION, label="evidence against it"),
    ]
    figure.legend(handles=patches, loc="outside lower right", ncols=2)
    # At the left, because the legend is at the right of the same line.
    figure.supxlabel("seconds of the track", x=0.02, ha="left", color=MUTED)
    figure.supylabel(drawable(examples[0].evidence.axis.label), color=MUTED)
    return figure


def _draw_input(axes: Axes, evidence: Evidence, cmap: str, alpha: float = 1.0) -> Any:
    """Draw a picture; `alpha` makes it pale, so that something can be drawn over it."""
    from matplotlib.ticker import MaxNLocator

    low, high = np.percentile(evidence.values, (1, 99))
    limits: dict[str, Any] = {"vmin": low, "vmax": max(high, low + 1e-6)}
    image = axes.imshow(evidence.values.T, cmap=cmap, alpha=alpha, **_place(evidence), **limits)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if evidence.axis.ticks:
        axes.set_yticks(*zip(*evidence.axis.ticks, strict=True))
    else:
        whole_numbers(axes.yaxis, 5)
    return image


def _draw_evidence(axes: Axes, evidence: Evidence, largest: float) -> Any:
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    # Orange to blue over nothing at all: no evidence leaves what is below as it is.
    against, spoken = to_rgba(VERMILION), to_rgba(BLUE)
    colours = [against, (*against[:3], 0.0), (*spoken[:3], 0.0), spoken]
    stops = [0.0, 0.5, 0.5, 1.0]
    cmap = LinearSegmentedColormap.from_list("evidence", list(zip(stops, colours, strict=True)))
    limits: dict[str, Any] = {"vmin": -largest, "vmax": largest}
    return axes.imshow(_blurred(evidence.weights).T, cmap=cmap, **_place(evidence), **limits)


def _place(evidence: Evidence) -> dict[str, Any]:
    """Return how a picture (frames, coefficients) lies: seconds to the right, rows upwards."""
    extent = (*evidence.place, -0.5, evidence.values.shape[1] - 0.5)
    return {"origin": "lower", "interpolation_stage": "rgba", "extent": extent}


def _blurred(weights: Picture) -> Picture:
    from scipy.ndimage import gaussian_filter

    blurred: Picture = gaussian_filter(weights, [side * _BLUR for side in weights.shape])
    return blurred


def _largest(weights: Sequence[Picture]) -> float:
    """Return the end of the scale; a few extremes must not leave all the rest pale."""
    sizes = np.concatenate([np.abs(_blurred(picture)).ravel() for picture in weights])
    return max(float(np.percentile(sizes, 99.5)), 1e-12)


def _colours(weights: Picture) -> list[str]:
    return [BLUE if weight > 0 else VERMILION for weight in weights]
