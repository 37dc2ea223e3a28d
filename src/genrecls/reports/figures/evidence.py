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
from genrecls.reports.style import BLUE, INK, MUTED, RULE, VERMILION, clean_axes, new_figure
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Picture = NDArray[np.floating[Any]]

_MOST_VALUES = 24
# For the eye, evidence is blurred over this share of each axis: values alone are speckles.
_BLUR = 1 / 80


def evidence_map(evidence: Evidence, genre: str, origin: AudioOrigin) -> Figure:
    """Draw a picture, the evidence over it, and its sums along time and along the other axis.

    Args:
        evidence: a picture (frames, coefficients) and its weights.
        genre: the genre that is explained.
        origin: file, segment and model.
    """
    title = f"Evidence for {drawable(genre, 40)}"
    figure = new_figure(title, str(origin), (9.2, 6.6), alarm=origin.leaky)
    rows = [["seen", "seen_bar", "."], ["map", "map_bar", "bands"], ["time", ".", "."]]
    shape: dict[str, Any] = {"width_ratios": [6, 0.12, 1.1], "height_ratios": [2, 2, 0.8]}
    panels = {name: clean_axes(axes) for name, axes in figure.subplot_mosaic(rows, **shape).items()}
    _spectrogram(panels["seen"], evidence, "YlGnBu")
    _spectrogram(panels["map"], evidence, "Greys", fade=0.55)
    picture = _overlay(panels["map"], evidence, _largest([evidence.weights]))
    _bar(figure, panels["seen"].images[0], panels["seen_bar"], drawable(evidence.unit))
    _bar(figure, picture, panels["map_bar"], "against  \u2190  evidence  \u2192  for")
    _over_time(panels["time"], evidence)
    _over_rows(panels["bands"], evidence, panels["map"].get_ylim())
    panels["seen"].set_title("what the model hears", loc="left", size=9, color=INK)
    title = f"what speaks for {drawable(genre, 24)} (blue) and what against it (orange)"
    panels["map"].set_title(title, loc="left", size=9, color=INK)
    for name in ("seen", "map"):
        panels[name].set_ylabel(drawable(evidence.axis.label), size=8.5, color=MUTED)
        panels[name].tick_params(labelbottom=False)
    return figure


def evidence_bars(evidence: Evidence, genre: str, origin: AudioOrigin) -> Figure:
    """Draw the values of a vector that mattered most, one bar each, strongest first."""
    order = np.argsort(-np.abs(evidence.weights), kind="stable")[:_MOST_VALUES]
    title, size = f"Evidence for {drawable(genre, 40)}", (8.4, 0.26 * len(order) + 1.1)
    figure = new_figure(title, str(origin), size, alarm=origin.leaky)
    axes = clean_axes(figure.add_subplot(), grid="x")
    weights = evidence.weights[order]
    axes.barh(range(len(order)), weights, height=0.68, color=_colours(weights))
    names = [
        f"{drawable(evidence.axis.names[index], 36)}  ({evidence.values[index]:+.1f})"
        for index in order
    ]
    axes.set_yticks(range(len(order)), names, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.axvline(0, color=RULE, linewidth=0.8)
    axes.set_xlabel("against  \u2190  evidence in nats  \u2192  for", size=8.5, color=MUTED)
    left = len(evidence.weights) - len(order)
    rest = f" · {left} weaker ones left out" if left else ""
    axes.set_title(f"in brackets: {evidence.unit}{rest}", loc="left", size=8.5, color=MUTED)
    return figure


def what_decided(cases: Sequence[GenreExample], scope: Scope) -> Figure:
    """Draw one segment a genre with the evidence for what was answered.

    Args:
        cases: the segments, of one kind of picture.
        scope: where the segments are from.
    """
    rows, columns = grid_of(len(cases))
    size = (max(5.4, 1.84 * columns), 1.75 * rows + 0.4)
    figure = new_figure("What decided", str(scope), size, alarm=scope.leaky)
    largest = _largest([case.evidence.weights for case in cases])
    for index, case in enumerate(cases):
        axes = clean_axes(figure.add_subplot(rows, columns, index + 1))
        _spectrogram(axes, case.evidence, "Greys", fade=0.55)
        _overlay(axes, case.evidence, largest)
        right = case.true == case.predicted
        axes.set_title(drawable(case.true, 20), size=9, color=INK, loc="left", pad=14)
        answer = f"\u2192 {drawable(case.predicted, 16)} {case.probability:.2f}"
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
        axes.annotate(answer, (0, 1), (0, 4), size=8, color=MUTED if right else VERMILION, **place)
        axes.tick_params(labelsize=7.5, labelleft=index % columns == 0)
    _legend(figure)
    # At the left, for the legend is at the right of the same line.
    figure.supxlabel("seconds of the track", x=0.02, ha="left", size=8.5, color=MUTED)
    figure.supylabel(drawable(cases[0].evidence.axis.label), size=8.5, color=MUTED)
    return figure


def _legend(figure: Figure) -> None:
    from matplotlib.patches import Patch

    named = ((BLUE, "evidence for the answer"), (VERMILION, "evidence against it"))
    patches = [Patch(color=colour, label=label) for colour, label in named]
    style: dict[str, Any] = {"frameon": False, "fontsize": 8.5, "labelcolor": INK, "ncols": 2}
    figure.legend(handles=patches, loc="outside lower right", **style)


def _spectrogram(axes: Axes, evidence: Evidence, colours: str, fade: float = 1.0) -> None:
    """Draw a picture; `fade` makes it pale, so that something can be drawn over it."""
    from matplotlib.ticker import MaxNLocator

    low, high = np.percentile(evidence.values, (1, 99))
    limits: dict[str, Any] = {"vmin": low, "vmax": max(high, low + 1e-6)}
    axes.imshow(evidence.values.T, cmap=colours, alpha=fade, **_lying(evidence), **limits)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if evidence.axis.ticks:
        axes.set_yticks(
            [row for row, _ in evidence.axis.ticks], [text for _, text in evidence.axis.ticks]
        )
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))


def _overlay(axes: Axes, evidence: Evidence, largest: float) -> Any:
    limits: dict[str, Any] = {"vmin": -largest, "vmax": largest}
    return axes.imshow(_blurred(evidence.weights).T, cmap=_signs(), **_lying(evidence), **limits)


def _lying(evidence: Evidence) -> dict[str, Any]:
    """Return how a picture (frames, coefficients) lies: seconds to the right, rows upwards."""
    extent = (*evidence.place, -0.5, evidence.values.shape[1] - 0.5)
    return {
        "origin": "lower",
        "aspect": "auto",
        "interpolation": "nearest",
        "interpolation_stage": "rgba",
        "extent": extent,
    }


def _signs() -> Colormap:
    """Return orange to blue over nothing at all: no evidence leaves what is below as it is."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    against, spoken = to_rgba(VERMILION), to_rgba(BLUE)
    colours = [against, (*against[:3], 0.0), (*spoken[:3], 0.0), spoken]
    stops = [0.0, 0.5, 0.5, 1.0]
    return LinearSegmentedColormap.from_list("evidence", list(zip(stops, colours, strict=True)))


def _blurred(weights: Picture) -> Picture:
    from scipy.ndimage import gaussian_filter

    blurred: Picture = gaussian_filter(weights, [side * _BLUR for side in weights.shape])
    return blurred


def _largest(weights: Sequence[Picture]) -> float:
    """Return the end of the scale; a few extremes must not leave all the rest pale."""
    sizes = np.concatenate([np.abs(_blurred(found)).ravel() for found in weights])
    return max(float(np.percentile(sizes, 99.5)), 1e-12)


def _bar(figure: Figure, picture: Any, axes: Axes, label: str) -> None:
    from matplotlib.ticker import MaxNLocator

    bar = figure.colorbar(picture, cax=axes)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_locator(MaxNLocator(5))
    bar.ax.tick_params(labelsize=8, colors=MUTED, length=0)
    bar.set_label(label, size=8.5, color=MUTED)


def _over_time(axes: Axes, evidence: Evidence) -> None:
    from matplotlib.ticker import MaxNLocator

    sums = evidence.weights.sum(axis=1)
    edges = np.linspace(*evidence.place, len(sums) + 1)
    axes.bar(edges[:-1], sums, np.diff(edges), align="edge", color=_colours(sums))
    axes.axhline(0, color=RULE, linewidth=0.8)
    axes.set_xlim(*evidence.place)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_xlabel("seconds of the file", size=8.5, color=MUTED)
    axes.set_ylabel("nats", size=8.5, color=MUTED)


def _over_rows(axes: Axes, evidence: Evidence, limits: tuple[float, float]) -> None:
    sums = evidence.weights.sum(axis=0)
    axes.barh(range(len(sums)), sums, 1.0, color=_colours(sums))
    axes.axvline(0, color=RULE, linewidth=0.8)
    axes.set_ylim(*limits)
    axes.tick_params(labelleft=False)
    # Below the panel, numbers would push away the sums over time.
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("nats", size=8.5, color=MUTED)


def _colours(weights: Picture) -> list[str]:
    return [BLUE if weight > 0 else VERMILION for weight in weights]
