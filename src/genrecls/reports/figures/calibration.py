"""Whether probabilities mean what they say: the reliability diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genrecls.evaluation.intervals import wilson
from genrecls.evaluation.metrics import CalibrationBin
from genrecls.reports.scope import Scope
from genrecls.reports.style import (
    BLUE,
    MUTED,
    PALE,
    SCORE_LIMITS,
    clean_axes,
    in_style,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_style
def reliability_diagram(bins: Sequence[CalibrationBin], scope: Scope) -> Figure:
    """Draw the share of right answers in each bin of probability, and how many answers it has.

    The whiskers are Wilson's 95 % intervals, so that a bin with two answers looks like one (the
    diagram is that of DeGroot and Fienberg 1983, as in Guo et al. 2017).

    Args:
        bins: from the lowest probabilities to the highest, equally wide.
        scope: what was scored.
    """
    figure = new_figure("Reliability", str(scope), (6.4, 4.6), alarm=scope.leaky)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    clean_axes(upper, "both")
    clean_axes(lower, "y")
    upper.plot([0, 1], [0, 1], "--", color=MUTED, lw=1, label="as often right as it says")
    filled = [each for each in bins if each.confidence is not None and each.accuracy is not None]
    x = [each.confidence for each in filled]
    y = np.array([each.accuracy for each in filled])
    bounds = np.array([wilson(float(each.accuracy or 0), each.count) for each in filled])
    whiskers = np.abs(bounds.T - y)
    upper.errorbar(
        x, y, whiskers, fmt="o", ms=5.5, color=BLUE, lw=1.4, label="share, 95 % interval"
    )
    lower.bar(
        (np.arange(len(bins)) + 0.5) / len(bins),
        [each.count for each in bins],
        width=0.92 / len(bins),
        color=PALE,
    )
    upper.set(ylabel="share of right answers", ylim=SCORE_LIMITS, yticks=np.linspace(0, 1, 6))
    lower.set(xlabel="probability of the answer", ylabel=f"{scope.unit}s", xlim=(0, 1.02))
    figure.align_ylabels()
    figure.legend(loc="outside lower right", ncols=2)
    return figure
