"""What accuracy costs: the exported files of one model by size and latency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genrecls.evaluation.predictions import leak_mark
from genrecls.reports.figures.label_lines import height_of, leader
from genrecls.reports.numbers import kilobytes, known, milliseconds, percent
from genrecls.reports.style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    RULE,
    SKY,
    clean_axes,
    empty_figure,
    new_figure,
)
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# By mode; what Keras runs is no exported mode and has its own colour.
_COLOURS = {"float32": BLUE, "float16": SKY, "dynamic": ORANGE, "int8": GREEN}
# By input: unequal in size and hollow where large, for files of one mode often coincide.
_MARKERS: dict[str, dict[str, Any]] = {
    "keras": {"marker": "D", "s": 70},
    "features": {"marker": "o", "s": 36},
    "audio": {"marker": "s", "s": 110, "facecolors": "none", "linewidths": 1.8},
}
_NAMES = {"keras": "Keras", "features": "features in", "audio": "audio in"}
# A scale that shows less than this would make noise look like loss.
_LEAST_SPAN = 0.04
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
        return f"{name} · {percent(self.accuracy)} · {kilobytes(self.bytes)}{speed}"

    @property
    def colour(self) -> str:
        """Colour of its mode."""
        return INK if self.input == "keras" else _COLOURS.get(self.mode, MUTED)


def points(export: Mapping[str, Any], benchmark: Mapping[str, Any] | None) -> list[Point]:
    """Return the model and every kept file, with the latency of the fewest threads measured.

    Args:
        export: content of `export.json`.
        benchmark: content of `benchmark.json`, if there is one.
    """
    rows = sorted((benchmark or {"rows": []})["rows"], key=lambda row: -row["threads"])
    measured = {row["file"]: row for row in rows}
    found = []
    for file in _files(export):
        row = measured.get(file["file"])
        point = Point(
            file=file["file"],
            input=file["input"],
            mode=file["mode"],
            bytes=file["bytes"],
            accuracy=file["test"]["track"]["accuracy"],
            latency=row["segment_ms"]["median"] if row else None,
            whole=row is None or row["features_ms"] is not None,
        )
        found.append(point)
    return found


def scope(export: Mapping[str, Any]) -> str:
    """Return what the accuracies of an export are accuracies of."""
    split = f"{export['split']}{leak_mark(export['leaks'])}"
    generated = " · generated data" if export["generated"] else ""
    data = export["dataset"]["name"]
    return f"{export['run']} · {data}, test part, per track · split {split}{generated}"


def tradeoff(export: Mapping[str, Any], benchmark: Mapping[str, Any] | None) -> Figure:
    """Draw accuracy against size and, where it was measured, against latency.

    Args:
        export: content of `export.json`.
        benchmark: content of `benchmark.json`, if there is one.
    """
    shown = [point for point in points(export, benchmark) if known(point.accuracy)]
    shown.sort(key=lambda point: (-point.accuracy, point.latency or point.bytes))
    timed = any(point.latency is not None for point in shown)
    size = (10.5 if timed else 7.6, max(_LEAST_HEIGHT, _ROW * len(shown) + 0.9))
    title = f"Accuracy against size{' and latency' if timed else ''}"
    about = " · ".join((drawable(scope(export), 200), *_machine(shown, benchmark)))
    figure = new_figure(title, about, size, alarm="track" in export["leaks"])
    if not shown:
        return empty_figure(figure, "no files")
    widths = [1.0, 0.85, 1.0] if timed else [1.0, 0.85]
    panels = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
    _scatter(panels[0], [(point, point.bytes / 1000) for point in shown], "size in kB")
    if timed:
        what = "features and inference" if all(point.whole for point in shown) else "inference"
        speeds = [(point, point.latency) for point in shown if point.latency is not None]
        _scatter(panels[2], speeds, f"ms a segment, {what}")
        panels[2].yaxis.tick_right()
        panels[2].yaxis.set_label_position("right")
        panels[2].spines[["left", "right"]].set_visible(False)
    _labels(panels, shown)
    _legend(figure, shown)
    return figure


def _files(export: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if export["keras"]:
        yield {"file": "model.keras", "input": "keras", "mode": "float32", **export["keras"]}
    yield from (file for file in export["files"] if file["status"] == "kept")


def _machine(shown: Sequence[Point], benchmark: Mapping[str, Any] | None) -> Iterator[str]:
    if benchmark is None or all(point.latency is None for point in shown):
        return
    least = min(row["threads"] for row in benchmark["rows"])
    threads = "1 thread" if least == 1 else f"{least} threads"
    yield drawable(f"latency: {benchmark['machine']['cpu']}, {threads}", 120)


def _scatter(axes: Axes, placed: Sequence[tuple[Point, float]], title: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    clean_axes(axes, grid="y").grid(axis="x", color=RULE, linewidth=0.6)
    for point, place in placed:
        style = {"edgecolors": point.colour, "facecolors": point.colour, **_MARKERS[point.input]}
        axes.scatter([place], [100 * point.accuracy], zorder=3, alpha=0.9, **style)
    values = [place for _, place in placed]
    axes.set_xscale("log")
    axes.set_xlim(min(values) / 1.6, max(values) * 1.6)
    axes.set_ylim(*_span([point.accuracy for point, _ in placed]))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(title, size=8.5, color=MUTED)
    axes.set_ylabel("accuracy in %", size=9, color=INK)


def _span(accuracies: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the axis of accuracy, in percent."""
    low, high = min(accuracies), max(accuracies)
    room = max(0.15 * (high - low), (_LEAST_SPAN - (high - low)) / 2)
    return 100 * (low - room), 100 * (high + room)


def _labels(panels: Sequence[Axes], shown: Sequence[Point]) -> None:
    """Write the names in a column of their own, a thin line to each point of either side."""
    column = panels[1]
    column.set_axis_off()
    column.set(xlim=(0, 1), ylim=(0, 1))
    place, side = (0.5, "center") if len(panels) == 3 else (0.02, "left")
    for index, point in enumerate(shown):
        height, accuracy = height_of(index, len(shown)), 100 * point.accuracy
        column.text(place, height, point.title, ha=side, va="center", size=8.0, color=INK)
        size = point.bytes / 1000
        leader((panels[0], size, accuracy), (column, 0.0, height), point.colour)
        if point.latency is not None:
            leader((panels[2], point.latency, accuracy), (column, 1.0, height), point.colour)


def _legend(figure: Figure, shown: Sequence[Point]) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for source in dict.fromkeys(point.input for point in shown):
        marker = _MARKERS[source]["marker"]
        fill = "none" if "facecolors" in _MARKERS[source] else MUTED
        style = {"marker": marker, "color": MUTED, "markerfacecolor": fill, "linestyle": "none"}
        handles.append(Line2D([], [], label=_NAMES[source], **style))
    modes = {point.mode for point in shown if point.input != "keras"}
    handles += [
        Line2D([], [], color=colour, linewidth=4, label=mode)
        for mode, colour in _COLOURS.items()
        if mode in modes
    ]
    look: dict[str, Any] = {"frameon": False, "fontsize": 8.5, "labelcolor": INK}
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), **look)
