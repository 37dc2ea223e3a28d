"""What it costs to be right more often: the share of tracks that still has an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genrecls.reports.scope import Scope
from genrecls.reports.style import (
    BLUE,
    MUTED,
    SCORE_LIMITS,
    clean_axes,
    in_style,
    new_figure,
)
from genrecls.runtime.abstention import HeldOutAnswers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_style
def coverage_curves(answers: Mapping[str, HeldOutAnswers], scope: Scope) -> Figure:
    """Draw the accuracy of the surest answers against their share, a line a part.

    The threshold of `genrecls predict --accuracy` is read off the validation part (the curve is
    that of El-Yaniv and Wiener 2010, with accuracy in the place of risk).

    Args:
        answers: to the tracks of each part.
        scope: what was scored.
    """
    figure = new_figure("Answers and unknown", str(scope), (6.4, 4.2), alarm=scope.leaky)
    axes = figure.subplots()
    clean_axes(axes, "both")
    for part, given in answers.items():
        curve = given.coverage_curve()
        style = {"color": BLUE, "lw": 2.0} if part == "test" else {"color": MUTED, "ls": "--"}
        axes.plot(
            [share for _, share, _ in curve],
            [accuracy for _, _, accuracy in curve],
            label=f"{part} ({len(given.right)} tracks)",
            **style,
        )
    axes.set(
        xlabel="share of tracks with an answer, the surest first",
        ylabel="share of right answers",
        xlim=(0, 1.02),
        ylim=SCORE_LIMITS,
    )
    figure.legend(loc="outside lower right", ncols=2)
    return figure
