"""How the answer changes in the course of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genrecls.reports.style import GREY, MUTED, PALETTE, empty_figure, in_style, new_figure
from genrecls.reports.text import drawable
from genrecls.runtime.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Numbers = NDArray[np.float64]


@in_style
def timeline(
    results: Sequence[Result], labels: Sequence[str], about: str = "", most: int = 10
) -> Figure:
    """Draw the probabilities over time, one panel a file.

    The genres that matter most have colours of their own, the others are one grey.

    Args:
        results: classified files, of which the first `most` are shown.
        labels: the genres in the order of the probabilities.
        about: the line below the title, such as the model's name.
        most: largest number of panels.
    """
    from matplotlib.patches import Patch

    shown = results[:most]
    if len(shown) < len(results):
        about = f"{about} · first {len(shown)} of {len(results)} files".removeprefix(" · ")
    size = (9.2, 1.45 * max(1, len(shown)) + 0.9)
    figure = new_figure("Genre probabilities over time", about, size)
    if not shown:
        return empty_figure(figure, "no files")

    # The peak over files decides: a genre of a single file must not drown among many files. The
    # strongest genre comes first and so is the lowest in the stack.
    means = [result.segments.mean(axis=0) for result in shown if len(result.starts)]
    order = np.argsort(-np.max(means, axis=0), kind="stable").tolist() if means else []
    strongest = order[: len(PALETTE)]
    panels = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    for axes, result in zip(panels, shown, strict=True):
        axes.set_title(drawable(result.path.name, 90))
        axes.set(ylim=(0, 1), yticks=[0, 0.5, 1])
        if len(result.starts):
            moments, heights = _steps(result)
            others = np.delete(heights, strongest, axis=1).sum(axis=1)
            colours = [*PALETTE[: len(strongest)], GREY]
            axes.stackplot(moments, [*heights[:, strongest].T, others], colors=colours, lw=0)
            axes.set_xlim(moments[0], moments[-1])
        else:
            axes.set_xticks([])
            axes.text(0.5, 0.5, "no segments", ha="center", va="center", size=9, color=MUTED)
    panels[-1].set_xlabel("seconds")
    figure.supylabel("probability", color=MUTED)
    patches = [
        Patch(color=colour, label=drawable(labels[index], 24))
        for colour, index in zip(PALETTE, strongest, strict=False)
    ]
    if others_left := len(labels) - len(strongest):
        noun = "genre" if others_left == 1 else "genres"
        patches.append(Patch(color=GREY, label=f"{others_left} other {noun}"))
    figure.legend(handles=patches, loc="outside lower center", ncols=4)
    return figure


def _steps(result: Result) -> tuple[Numbers, Numbers]:
    """Return moments (4n,) and heights (4n, genres): flat over a segment, zero where none is.

    Where segments overlap, each one is shown until the next begins.
    """
    begins = np.asarray(result.starts, dtype=np.float64)
    following = np.append(begins[1:], np.inf)
    ends = np.minimum(result.ends, following)
    falls = ends < following
    rises = np.append(True, falls[:-1])
    never = np.zeros_like(falls)
    inside = ~np.stack([rises, never, never, falls], axis=1)
    moments = np.stack([begins, begins, ends, ends], axis=1)
    heights = np.repeat(result.segments, 4, axis=0) * inside.reshape(-1, 1)
    return moments.reshape(-1), heights
