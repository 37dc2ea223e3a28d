"""Accuracy of exported files against their size and latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genrecls.console import several
from genrecls.reports.figures.systems import draw_line, name_column, name_height
from genrecls.reports.numbers import decimal, kilobytes, known, milliseconds
from genrecls.reports.style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PINK,
    RULE,
    SKY,
    clean_axes,
    empty_figure,
    in_style,
    logarithmic,
    new_figure,
)
from genrecls.reports.text import drawable
from genrecls.runs.export_facts import ExportedFile, ModelFiles
from genrecls.runtime.marks import leak_mark, pretraining_mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# By mode; what Keras runs is no exported mode and has its own colour.
_COLOURS = {"float32": BLUE, "float16": SKY, "dynamic": ORANGE, "int8": GREEN, "mixed": PINK}
# By input: unequal in size and hollow where large, because files of one mode often coincide.
_MARKERS: dict[str, dict[str, Any]] = {
    "keras": {"marker": "D", "s": 70},
    "features": {"marker": "o", "s": 36},
    "audio": {"marker": "s", "s": 110, "facecolors": "none", "linewidths": 1.8},
}
_NAMES = {"keras": "Keras", "features": "features in", "audio": "audio in"}
# Where no interval is known, a scale that shows less than this would make noise look like loss.
_LEAST_SPAN = 0.2
_ROW, _LEAST_HEIGHT = 0.3, 2.6


@dataclass(frozen=True)
class Point:
    """One file.

    Attributes:
        input: `keras`, `features` or `audio`.
        bytes: size of the file.
        accuracy: share of right tracks of the test part.
        latency: median milliseconds of one segment; None where it was not measured.
        whole: whether the latency holds the features too.
    """

    file: str
    input: str
    mode: str
    bytes: int
    accuracy: float
    latency: float | None = None
    whole: bool = True

    @property
    def title(self) -> str:
        """What it is called beside a number."""
        name = "Keras" if self.input == "keras" else f"{self.input} {self.mode}"
        speed = "" if self.latency is None else f" · {milliseconds(self.latency)}"
        return f"{name} · {decimal(self.accuracy)} · {kilobytes(self.bytes)}{speed}"

    @property
    def colour(self) -> str:
        """Colour of its mode."""
        return INK if self.input == "keras" else _COLOURS.get(self.mode, MUTED)


def points(model: ModelFiles, benchmark: Mapping[str, Any] | None) -> list[Point]:
    """Return the model and every kept file, with the latency of the fewest threads measured.

    Args:
        model: the model and its files.
        benchmark: content of `benchmark.json`, if there is one.
    """
    rows = sorted((benchmark or {"rows": []})["rows"], key=lambda row: -row["threads"])
    measured = {row["file"]: row for row in rows}
    shown = []
    for file in (model.keras, *model.kept):
        if file is None or file.test is None or file.bytes is None:
            continue
        row = measured.get(file.file)
        exported = file if isinstance(file, ExportedFile) else None
        point = Point(
            file=file.file,
            input=exported.input if exported else "keras",
            mode=exported.mode if exported else "float32",
            bytes=file.bytes,
            accuracy=file.test.track.accuracy,
            latency=row["segment_ms"]["median"] if row else None,
            whole=row is None or row["features_ms"] is not None,
        )
        shown.append(point)
    return shown


def scope(model: ModelFiles) -> str:
    """Return what the accuracies of a model and its files are accuracies of."""
    split = f"{model.split}{leak_mark(model.leaks)}"
    generated = " · generated data" if model.generated else ""
    data = model.dataset.name
    mark = pretraining_mark(model.pretraining)
    about = f"{model.run} · {data}, test part, per track · split {split}{generated}"
    return f"{about} · {mark}" if mark else about


@in_style
def tradeoff(model: ModelFiles, benchmark: Mapping[str, Any] | None) -> Figure:
    """Draw accuracy against size and, where it was measured, against latency.

    Args:
        model: the model and its files.
        benchmark: content of `benchmark.json`, if there is one.
    """
    from matplotlib.lines import Line2D

    shown = [point for point in points(model, benchmark) if known(point.accuracy)]
    shown.sort(key=lambda point: (-point.accuracy, point.latency or point.bytes))
    speeds = {point.file: point.latency for point in shown if point.latency is not None}
    about = drawable(scope(model), 200)
    if benchmark and speeds:
        least = min(row["threads"] for row in benchmark["rows"])
        machine = f"latency: {benchmark['machine']['cpu']}, {several(least, 'thread')}"
        about = f"{about} · {drawable(machine, 120)}"
    title = f"Accuracy against size{' and latency' if speeds else ''}"
    size = (10.5 if speeds else 7.6, max(_LEAST_HEIGHT, _ROW * len(shown) + 0.9))
    figure = new_figure(title, about, size, alarm=model.leaky)
    if not shown:
        return empty_figure(figure, "no files")

    # Sizes at the left, names in a column of their own, latencies at the right.
    widths = [1.0, 0.85, 1.0] if speeds else [1.0, 0.85]
    left, column, *right = figure.subplots(1, len(widths), width_ratios=widths)
    sizes = {point.file: point.bytes / 1000 for point in shown}
    interval = model.keras.interval if model.keras else None
    _scatter(left, shown, sizes, "size in kB", interval)
    place, side = (0.5, "center") if speeds else (0.02, "left")
    name_column(column, [point.title for point in shown], place, side)
    if speeds:
        what = "features and inference" if all(point.whole for point in shown) else "inference"
        _scatter(right[0], shown, speeds, f"ms a segment, {what}", interval)
        right[0].yaxis.tick_right()
        right[0].yaxis.set_label_position("right")
        right[0].spines[["left", "right"]].set_visible(False)
    for index, point in enumerate(shown):
        height, accuracy = name_height(index, len(shown)), point.accuracy
        draw_line((left, sizes[point.file], accuracy), (column, 0.0, height), point.colour)
        if point.file in speeds:
            start = (right[0], speeds[point.file], accuracy)
            draw_line(start, (column, 1.0, height), point.colour)

    handles = []
    for source in dict.fromkeys(point.input for point in shown):
        fill = "none" if "facecolors" in _MARKERS[source] else MUTED
        style = {"marker": _MARKERS[source]["marker"], "color": MUTED, "markerfacecolor": fill}
        handles.append(Line2D([], [], label=_NAMES[source], linestyle="none", **style))
    modes = {point.mode for point in shown if point.input != "keras"}
    handles += [Line2D([], [], color=_COLOURS[m], lw=4, label=m) for m in _COLOURS if m in modes]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _scatter(
    axes: Axes,
    shown: Sequence[Point],
    places: Mapping[str, float],
    xlabel: str,
    interval: tuple[float, float] | None,
) -> None:
    """Draw the accuracy of each file that has a place on the horizontal axis.

    The vertical axis shows at least the interval: what differs by less looks so.
    """
    clean_axes(axes, "both").set(xlabel=xlabel, ylabel="accuracy")
    placed = [point for point in shown if point.file in places]
    for point in placed:
        style = {"edgecolors": point.colour, "facecolors": point.colour, **_MARKERS[point.input]}
        axes.scatter([places[point.file]], [point.accuracy], zorder=3, alpha=0.9, **style)
    logarithmic(axes, "{:g}".format, places.values())
    if interval:
        low, high = interval
        axes.axhspan(low, high, color=RULE, alpha=0.5, zorder=0)
        left, text = axes.get_xlim()[0], "95\u00a0% interval of Keras"
        place: dict[str, Any] = {"xytext": (4, 3), "textcoords": "offset points"}
        axes.annotate(text, (left, low), **place, color=MUTED, size=7.5)
    values = [point.accuracy for point in placed] + list(interval or ())
    low, high = min(values), max(values)
    room = max(0.1 * (high - low), (_LEAST_SPAN - (high - low)) / 2)
    axes.set_ylim(low - room, high + room)
