"""How a search went: trial by trial, setting by setting, and what accuracy costs in size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genrecls.reports.numbers import percent
from genrecls.reports.search import Answer
from genrecls.reports.style import (
    BLUE,
    GREY,
    INK,
    MUTED,
    ORANGE,
    RULE,
    WARNING,
    clean_axes,
    in_style,
    new_figure,
)
from genrecls.reports.text import drawable
from genrecls.sweeps.search.space import Choices, Dimension
from genrecls.sweeps.search.trial import ENOUGH, Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
_PANEL = (2.9, 2.1)
_LONGEST = 18
_RING: dict[str, Any] = {"facecolors": "none", "edgecolors": INK, "linewidths": 1.4, "zorder": 4}


@in_style
def figures(answer: Answer) -> dict[str, Figure]:
    """Return all figures of a search by name."""
    drawn = {"history": history(answer), "settings": influences(answer)}
    return {"front": pareto(answer), **drawn} if len(answer.objectives) > 1 else drawn


def history(answer: Answer) -> Figure:
    """Draw the score of every trial, and the best so far."""
    score = answer.objectives[0]
    about = f"{answer.name} · {answer.about} · {answer.counts}"
    figure = new_figure("How the search went", drawable(about, 300), (8.5, 3.4), alarm=answer.leaky)
    axes = clean_axes(figure.add_subplot(), grid="y")
    done = [trial for trial in answer.trials if trial.state == "finished"]
    numbers, values = [t.number for t in done], [t.values[0] for t in done]
    better = max if score.larger else min
    best = [better(values[: count + 1]) for count in range(len(values))]
    axes.plot(
        [*numbers, len(answer.trials) - 1],
        [*best, best[-1]],
        drawstyle="steps-post",
        color=BLUE,
        linewidth=1.4,
        label="best so far",
    )
    axes.scatter(numbers, values, color=BLUE, s=26, alpha=0.75, zorder=3, label="finished")
    first = answer.ranked[0]
    axes.scatter([first.number], [first.values[0]], s=110, label="best", **_RING)
    _rug(axes, answer.trials)
    axes.set_xlabel("trial", size=8.5, color=MUTED)
    axes.set_ylabel(score.title, size=9, color=INK)
    _whole(axes)
    figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=8.5, labelcolor=INK)
    return figure


def _rug(axes: Axes, trials: Sequence[Trial]) -> None:
    """Mark on the lower edge the trials that have no score."""
    marks = {"pruned": ("|", ORANGE, "stopped as hopeless"), "failed": ("x", WARNING, "failed")}
    for state, (marker, colour, label) in marks.items():
        numbers = [trial.number for trial in trials if trial.state == state]
        if numbers:
            axes.scatter(
                numbers,
                [0.03] * len(numbers),
                transform=axes.get_xaxis_transform(),
                marker=marker,
                color=colour,
                s=60,
                label=label,
            )


def _whole(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True, min_n_ticks=1))


def influences(answer: Answer) -> Figure:
    """Draw the score against every setting: a panel a key, the most important first."""
    shares = answer.importances
    keys = sorted(answer.space, key=lambda key: -shares.get(key, 0.0))
    rows = math.ceil(len(keys) / _COLUMNS)
    columns = min(_COLUMNS, len(keys))
    about = (
        f"{answer.name} · {answer.about} · a dot a finished trial, the later the darker; ring: "
        "the best"
    )
    if shares:
        about += " · in percent: share in what sets the best trials apart (PED-ANOVA)"
    elif len(answer.ranked) < ENOUGH:
        about += f" · what matters most can be told from {ENOUGH} finished trials on"
    size = (max(2, columns) * _PANEL[0] + 0.3, rows * _PANEL[1])
    figure = new_figure("What the settings do", drawable(about, 400), size, alarm=answer.leaky)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for place, key in enumerate(keys):
        axes = panels[place // columns, place % columns]
        name = drawable(answer.names[key], 30)
        share = f" · {percent(shares[key])}" if key in shares else ""
        _panel(axes, answer, key)
        axes.set_title(f"{name}{share}", loc="left", size=9, color=INK)
        if place % columns == 0:
            axes.set_ylabel(answer.objectives[0].title, size=8.5, color=MUTED)
    for axes in panels.flat[len(keys) :]:
        axes.set_axis_off()
    return figure


def _panel(axes: Axes, answer: Answer, key: str) -> None:
    clean_axes(axes, grid="y")
    dimension = answer.space[key]
    done = [t for t in answer.trials if t.state == "finished" and key in t.settings]
    places = [_place(dimension, trial.settings[key]) for trial in done]
    values = [trial.values[0] for trial in done]
    colours = [0.35 + 0.65 * trial.number / max(1, len(answer.trials) - 1) for trial in done]
    look: dict[str, Any] = {"cmap": "Blues", "vmin": 0, "vmax": 1, "s": 22, "zorder": 3}
    axes.scatter(places, values, c=colours, **look)
    best = answer.ranked[0]
    axes.scatter([_place(dimension, best.settings[key])], [best.values[0]], s=80, **_RING)
    axes.margins(y=0.12)
    _scale(axes, dimension)


def _place(dimension: Dimension, text: str) -> float:
    return dimension.texts.index(text) if isinstance(dimension, Choices) else float(text)


def _scale(axes: Axes, dimension: Dimension) -> None:
    if isinstance(dimension, Choices):
        shown = [drawable(text, _LONGEST) for text in dimension.texts]
        slanted: dict[str, Any] = (
            {"rotation": 25, "ha": "right"} if max(map(len, shown)) > 6 else {}
        )
        axes.set_xticks(range(len(shown)), shown, **slanted)
        axes.set_xlim(-0.5, len(shown) - 0.5)
        return
    if dimension.log:
        axes.set_xscale("log")
        room = (dimension.high / dimension.low) ** 0.05
        axes.set_xlim(dimension.low / room, dimension.high * room)
        axes.minorticks_off()
    else:
        room = 0.05 * (dimension.high - dimension.low)
        axes.set_xlim(dimension.low - room, dimension.high + room)


def pareto(answer: Answer) -> Figure:
    """Draw the score against the second objective, with the trials that no other one beats."""
    score, cost = answer.objectives
    about = f"{answer.name} · {answer.about} · blue: beaten by none in both"
    figure = new_figure(
        f"{score.title.capitalize()} against {cost.title}",
        drawable(about, 300),
        (8.5, 4.2),
        alarm=answer.leaky,
    )
    axes = clean_axes(figure.add_subplot(), grid="y")
    axes.grid(axis="x", color=RULE, linewidth=0.6)
    rest = [trial for trial in answer.ranked if trial not in answer.front]
    axes.scatter(*_points(rest), color=GREY, s=26, zorder=2)
    best = sorted(answer.front, key=lambda trial: trial.values[1])
    sizes, scores = _points(best)
    largest = max(trial.values[1] for trial in answer.ranked)
    steps = [*sizes, largest], [*scores, scores[-1]]
    axes.plot(*steps, drawstyle="steps-post", color=BLUE, linewidth=1.2, zorder=2)
    axes.scatter(sizes, scores, color=BLUE, s=44, zorder=3)
    for trial in best:
        _label(axes, trial)
    axes.set_xscale("log")
    axes.margins(x=0.08, y=0.12)
    axes.set_xlabel(cost.title, size=8.5, color=MUTED)
    axes.set_ylabel(score.title, size=9, color=INK)
    _plain_sizes(axes)
    return figure


def _points(trials: Sequence[Trial]) -> tuple[list[float], list[float]]:
    return [trial.values[1] for trial in trials], [trial.values[0] for trial in trials]


def _label(axes: Axes, trial: Trial) -> None:
    axes.annotate(
        str(trial.number),
        (trial.values[1], trial.values[0]),
        xytext=(0, 6),
        textcoords="offset points",
        ha="center",
        size=8,
        color=INK,
    )


def _plain_sizes(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}".replace(",", " "))
    )
    axes.xaxis.set_minor_locator(NullLocator())
