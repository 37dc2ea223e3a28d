"""All figures of scores have one scale, so that two can be compared by eye."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from genrecls.comparison.leaderboard import compare
from genrecls.reports import comparison, run
from genrecls.reports.style import SCORE_LIMITS, in_style, logarithmic, new_figure
from genrecls.runs.record import read
from tests.reports.finished_run import finished_run
from tests.runs.finished_runs import Made
from tests.runs.finished_runs import finished_run as folder_of


def score_axes(figure: Figure) -> list[Axis]:
    """Return the axes of accuracies or of shares of right answers; a panel may have the name."""
    found = []
    for axes in figure.axes:
        named = {axes.get_xlabel(): axes.xaxis, axes.get_ylabel(): axes.yaxis}
        named[axes.get_title(loc="left")] = axes.yaxis
        found += [a for name, a in named.items() if "accuracy" in name or "right answers" in name]
    return found


@pytest.fixture
def figures(tmp_path: Path) -> dict[str, Figure]:
    runs = [
        read(folder_of(tmp_path, f"run-{model}", Made(model=model, test=test)))
        for model, test in (("cnn", (1, 1, 1, 0)), ("rnn", (1, 1, 0, 0)))
    ]
    compared = comparison.draw(compare(runs, "validation", "test"), "test")
    own = run.draw(finished_run())
    return {f"run {name}": f for name, f in own.items()} | compared


def test_accuracies_are_drawn_from_0_to_1(figures: dict[str, Figure]) -> None:
    found = {name: score_axes(figure) for name, figure in figures.items()}
    assert [name for name, axes in found.items() if axes] == [
        "run learning_curves",
        "run reliability",
        "scores",
        "parameters",
        "learning_curves",
    ]
    for name, axes in found.items():
        limits = {tuple(axis.get_view_interval()) for axis in axes}
        assert limits <= {SCORE_LIMITS}, name


@in_style
def logarithmic_figure(low: float, high: float) -> Figure:
    figure = new_figure("Sizes", "", (5.2, 2.0))
    logarithmic(figure.add_subplot(), "{:.0f}".format, [low, high])
    return figure


@pytest.mark.parametrize(("low", "high"), [(1, 1), (5e3, 9e4), (5e3, 1e6), (1e3, 2e8)])
def test_numbers_at_a_logarithmic_axis_stand_apart(low: float, high: float) -> None:
    figure = logarithmic_figure(low, high)
    figure.draw_without_rendering()
    labels = [label for label in figure.axes[0].get_xticklabels() if label.get_visible()]
    boxes = [label.get_window_extent() for label in labels if label.get_text()]
    assert boxes
    assert not any(one.overlaps(other) for one, other in pairwise(boxes))
