"""How the answer changes in the course of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.reports.style import GREY, INK, MUTED, PALETTE, clean_axes, empty_figure, new_figure
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """The answers for one file, segment by segment.

    Attributes:
        title: what is written above the panel.
        starts: array (n,), where each segment begins, in seconds and rising.
        ends: array (n,), where each segment ends, in seconds.
        probabilities: array (n, genres).
    """

    title: str
    starts: NDArray[Any]
    ends: NDArray[Any]
    probabilities: NDArray[Any]


def timeline(
    courses: Sequence[Course], labels: Sequence[str], about: str = "", most: int = 10
) -> Figure:
    """Draw the probabilities over time, one panel a file.

    The genres that matter most have colours of their own, the others are one grey.

    Args:
        courses: the files, of which the first `most` are shown.
        labels: the genres in the order of the probabilities.
        about: the line below the title, such as the model's name.
        most: largest number of panels.
    """
    shown = courses[:most]
    if len(shown) < len(courses):
        about = f"{about} · first {len(shown)} of {len(courses)} files".removeprefix(" · ")
    figure = new_figure(
        "Genre probabilities over time", about, (9.2, 1.45 * max(1, len(shown)) + 0.9)
    )
    if not shown:
        return empty_figure(figure, "no files")
    named = _named(shown)
    panels = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    for axes, course in zip(panels, shown, strict=True):
        _panel(clean_axes(axes), course, named)
    panels[-1].set_xlabel("seconds", size=8.5, color=MUTED)
    figure.supylabel("probability", size=8.5, color=MUTED)
    _legend(figure, [drawable(labels[index], 24) for index in named], len(labels) - len(named))
    return figure


def _named(courses: Sequence[Course]) -> list[int]:
    """Return the genres with a colour of their own, strongest and so lowest in the stack first."""
    means = [course.probabilities.mean(axis=0) for course in courses if len(course.starts)]
    if not means:
        return []
    # The peak over files: a genre that owns a single file is not to drown among many files.
    weight = np.max(means, axis=0)
    strongest: list[int] = np.argsort(-weight, kind="stable")[: len(PALETTE)].tolist()
    return strongest


def _panel(axes: Axes, course: Course, named: Sequence[int]) -> None:
    axes.set_title(drawable(course.title, 90), loc="left", size=9, color=INK)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1])
    if not len(course.starts):
        axes.set_xticks([])
        axes.text(0.5, 0.5, "no segments", ha="center", va="center", size=9, color=MUTED)
        return
    moments, heights = _steps(course)
    layers = [*heights[:, named].T, np.delete(heights, named, axis=1).sum(axis=1)]
    colours = [*PALETTE[: len(named)], GREY]
    axes.stackplot(moments, layers, colors=colours, linewidth=0)
    axes.set_xlim(moments[0], moments[-1])


def _steps(course: Course) -> tuple[Numbers, Numbers]:
    """Return moments (4n,) and heights (4n, genres): flat over a segment, zero where none is.

    Where segments overlap, each one is shown until the next begins.
    """
    begins = np.asarray(course.starts, dtype=np.float64)
    following = np.append(begins[1:], np.inf)
    ends = np.minimum(course.ends, following)
    falls = ends < following
    rises = np.append(True, falls[:-1])
    never = np.zeros_like(falls)
    inside = ~np.stack([rises, never, never, falls], axis=1)
    moments = np.stack([begins, begins, ends, ends], axis=1)
    heights = np.repeat(course.probabilities, 4, axis=0) * inside.reshape(-1, 1)
    return moments.reshape(-1), heights


def _legend(figure: Figure, names: Sequence[str], others: int) -> None:
    from matplotlib.patches import Patch

    patches = [
        Patch(color=colour, label=name) for colour, name in zip(PALETTE, names, strict=False)
    ]
    if others:
        word = "genre" if others == 1 else "genres"
        patches.append(Patch(color=GREY, label=f"{others} other {word}"))
    style: dict[str, Any] = {"frameon": False, "fontsize": 8.5, "labelcolor": INK}
    figure.legend(handles=patches, loc="outside lower center", ncols=4, **style)
