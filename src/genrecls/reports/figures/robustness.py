"""What degraded music costs: the accuracy under each degradation, a colour for each file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from genrecls.evaluation.robustness import RobustnessScore
from genrecls.reports.robustness import degradation_title
from genrecls.reports.scope import Scope
from genrecls.reports.style import (
    PALETTE,
    SCORE_LIMITS,
    clean_axes,
    in_style,
    name_rows,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_style
def robustness_figure(scores: Mapping[str, Mapping[str, RobustnessScore]], scope: Scope) -> Figure:
    """Draw accuracies with their intervals, a row for each degradation.

    Args:
        scores: by file and degradation.
        scope: what was scored.
    """
    names = [*next(iter(scores.values()))]
    figure = new_figure("Degraded music", str(scope), (7.2, 4.8), alarm=scope.leaky)
    axes = figure.subplots()
    clean_axes(axes, "x")
    offsets = (np.arange(len(scores)) - (len(scores) - 1) / 2) * 0.2
    for number, ((file, by_name), offset) in enumerate(zip(scores.items(), offsets, strict=True)):
        accuracies = np.array([by_name[name].accuracy for name in names])
        low, high = np.array([by_name[name].interval for name in names]).T
        axes.errorbar(
            accuracies,
            np.arange(len(names)) + offset,
            xerr=(accuracies - low, high - accuracies),
            fmt="o",
            ms=5,
            lw=1.2,
            color=PALETTE[number % len(PALETTE)],
            label=file,
        )
    name_rows(axes, [degradation_title(name) for name in names])
    axes.set(xlabel="accuracy", xlim=SCORE_LIMITS)
    figure.legend(loc="outside lower right", ncols=min(3, len(scores)))
    return figure
