"""How a search went: trial by trial, setting by setting, and what accuracy costs in size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genrecls.reports.numbers import count, percent
from genrecls.reports.search import ENOUGH_TRIALS, SearchedSetting, SearchReport, Trial
from genrecls.reports.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    WARNING,
    clean_axes,
    in_style,
    logarithmic,
    new_figure,
    whole_numbers,
)
from genrecls.reports.text import drawable, elide

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
_PANEL = (2.9, 2.1)
_LONGEST = 18
# Trials differ by little: on the scale of other scores they would lie on one line.
_SCALE = "the axis of the score is as long as the trials need, not 0 to 1"
_RING: dict[str, Any] = {"facecolors": "none", "edgecolors": INK, "linewidths": 1.4, "zorder": 4}


@in_style
def figures(report: SearchReport) -> dict[str, Figure]:
    """Return all figures of a search by name."""
    drawn = {"history": history(report), "settings": influences(report)}
    return {"front": pareto(report), **drawn} if len(report.objectives) > 1 else drawn


def history(report: SearchReport) -> Figure:
    """Draw the score of every trial, and the best so far."""
    score = report.objectives[0]
    about = f"{report.name} · {report.about} · {report.counts} · {_SCALE}"
    figure = new_figure("How the search went", elide(about, 300), (8.5, 3.4), alarm=report.leaky)
    axes = clean_axes(figure.add_subplot(), grid="y")
    finished = [trial for trial in report.trials if trial.state == "finished"]
    numbers, values = [t.number for t in finished], [t.values[0] for t in finished]
    better = max if score.larger else min
    best = [better(values[: count + 1]) for count in range(len(values))]
    axes.plot(
        [*numbers, len(report.trials) - 1],
        [*best, best[-1]],
        drawstyle="steps-post",
        color=BLUE,
        linewidth=1.4,
        label="best so far",
    )
    axes.scatter(numbers, values, color=BLUE, s=26, alpha=0.75, zorder=3, label="finished")
    first = report.ranked[0]
    axes.scatter([first.number], [first.values[0]], s=110, label="best", **_RING)
    # Trials without a score are marked on the lower edge.
    marks = {
        "pruned": ("|", ORANGE, "stopped early"),
        "outside": ("_", GREY, "outside the target"),
        "failed": ("x", WARNING, "failed"),
    }
    for state, (marker, colour, label) in marks.items():
        without = [trial.number for trial in report.trials if trial.state == state]
        if without:
            axes.scatter(
                without,
                [0.03] * len(without),
                transform=axes.get_xaxis_transform(),
                marker=marker,
                color=colour,
                s=60,
                label=label,
            )
    axes.set(xlabel="trial", ylabel=score.title)
    whole_numbers(axes.xaxis, 12)
    figure.legend(loc="outside lower center", ncols=5)
    return figure


def influences(report: SearchReport) -> Figure:
    """Draw the score against every setting: a panel a key, the most important first."""
    shares = report.importances
    settings = sorted(report.settings, key=lambda setting: -shares.get(setting.key, 0.0))
    rows = math.ceil(len(settings) / _COLUMNS)
    columns = min(_COLUMNS, len(settings))
    about = (
        f"{report.name} · {report.about} · a dot a finished trial, the later the darker; ring: "
        f"the best · {_SCALE}"
    )
    if shares:
        about += " · in percent: share in what distinguishes the best trials (PED-ANOVA)"
    elif len(report.ranked) < ENOUGH_TRIALS:
        about += f" · what matters most can be told from {ENOUGH_TRIALS} finished trials on"
    size = (max(2, columns) * _PANEL[0] + 0.3, rows * _PANEL[1])
    figure = new_figure("What the settings do", elide(about, 400), size, alarm=report.leaky)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    best = report.ranked[0]
    for number, setting in enumerate(settings):
        axes, key = panels[number // columns, number % columns], setting.key
        clean_axes(axes, grid="y")
        finished = [t for t in report.trials if t.state == "finished" and key in t.settings]
        axes.scatter(
            [setting.position(trial.settings[key]) for trial in finished],
            [trial.values[0] for trial in finished],
            c=[0.35 + 0.65 * t.number / max(1, len(report.trials) - 1) for t in finished],
            cmap="Blues",
            vmin=0,
            vmax=1,
            s=22,
            zorder=3,
        )
        axes.scatter([setting.position(best.settings[key])], [best.values[0]], s=80, **_RING)
        axes.margins(y=0.12)
        _set_scale(axes, setting)
        share = f" · {percent(shares[key])}" if key in shares else ""
        name = drawable(report.names[key], 30)
        axes.set_title(f"{name}{share}")
        if number % columns == 0:
            axes.set_ylabel(report.objectives[0].title)
    for axes in panels.flat[len(settings) :]:
        axes.set_axis_off()
    return figure


def _set_scale(axes: Axes, setting: SearchedSetting) -> None:
    """Show all values that were searched, on a scale that suits them."""
    if setting.choices:
        texts = [drawable(text, _LONGEST) for text in setting.choices]
        slanted: dict[str, Any] = (
            {"rotation": 25, "ha": "right"} if max(map(len, texts)) > 6 else {}
        )
        axes.set_xticks(range(len(texts)), texts, **slanted)
        axes.set_xlim(-0.5, len(texts) - 0.5)
    elif setting.log:
        axes.set_xscale("log")
        factor = (setting.high / setting.low) ** 0.05
        axes.set_xlim(setting.low / factor, setting.high * factor)
        axes.minorticks_off()
    else:
        margin = 0.05 * (setting.high - setting.low)
        axes.set_xlim(setting.low - margin, setting.high + margin)


def pareto(report: SearchReport) -> Figure:
    """Draw the score against the second objective, with the trials that no other one beats."""
    score, cost = report.objectives
    about = f"{report.name} · {report.about} · blue: beaten by none in both · {_SCALE}"
    figure = new_figure(
        f"{score.title.capitalize()} against {cost.title}",
        elide(about, 300),
        (8.5, 4.2),
        alarm=report.leaky,
    )
    axes = clean_axes(figure.add_subplot(), grid="both")
    rest = [trial for trial in report.ranked if trial not in report.front]
    axes.scatter(*_points(rest), color=GREY, s=26, zorder=2)
    best = sorted(report.front, key=lambda trial: trial.values[1])
    sizes, scores = _points(best)
    largest = max(trial.values[1] for trial in report.ranked)
    steps = [*sizes, largest], [*scores, scores[-1]]
    axes.plot(*steps, drawstyle="steps-post", color=BLUE, linewidth=1.2, zorder=2)
    axes.scatter(sizes, scores, color=BLUE, s=44, zorder=3)
    for trial, size, value in zip(best, sizes, scores, strict=True):
        axes.annotate(
            str(trial.number),
            (size, value),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            size=8,
        )
    logarithmic(axes, count, [trial.values[1] for trial in report.ranked])
    axes.margins(y=0.12)
    axes.set(xlabel=cost.title, ylabel=score.title)
    return figure


def _points(trials: Sequence[Trial]) -> tuple[list[float], list[float]]:
    return [trial.values[1] for trial in trials], [trial.values[0] for trial in trials]
