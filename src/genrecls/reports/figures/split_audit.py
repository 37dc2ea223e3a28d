"""Figures of an audit of splits: sizes, flattered scores, and how much tracks have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genrecls.reports.style import (
    BLUE,
    GREY,
    INK,
    MUTED,
    ORANGE,
    PALE,
    VERMILION,
    WARNING,
    clean_axes,
    new_figure,
)
from genrecls.reports.text import drawable
from genrecls.split_audit.audit import Audit, AuditedSplit
from genrecls.split_audit.near_duplicates import COPY, PART
from genrecls.split_audit.score_inflation import MODELS
from genrecls.splits.base import PARTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
_PART_COLOURS = {"train": PALE, "validation": ORANGE, "test": BLUE}
_KINDS = {"identical": VERMILION, "copy": BLUE, "part": GREY}


def draw(audit: Audit) -> dict[str, Figure]:
    """Return the figures by a name that also serves as file name; none of what is not there."""
    figures = {"parts": parts(audit), "inflation": inflation(audit)}
    if audit.matches:
        figures["near_duplicates"] = near_duplicates(audit)
    return figures


def parts(audit: Audit) -> Figure:
    """Draw the segments of each genre in each part, a panel a split.

    Not the tracks, for those of a leaky split are in several parts.
    """
    many, genres = len(audit.splits), audit.heard.dataset.labels
    rows, columns = -(-many // _COLUMNS), min(many, _COLUMNS)
    height = rows * (0.24 * len(genres) + 0.75) + 0.4
    about = f"{audit.heard.dataset.name} · bars: segments · seed {audit.plan.seed}"
    figure = new_figure(
        "Genres in the parts of each split", about, (max(6.0, 2.6 * columns), height)
    )
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True, sharex=True)
    for axes in grid.flat[many:]:
        axes.set_axis_off()
    for axes, split in zip(grid.flat, audit.splits, strict=False):
        _bars(axes, split, genres)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    style: dict[str, Any] = {"ncols": 3, "frameon": False, "fontsize": 8.5, "labelcolor": INK}
    figure.legend(handles, labels, loc="outside lower center", **style)
    return figure


def _bars(axes: Axes, split: AuditedSplit, genres: Sequence[str]) -> None:
    clean_axes(axes, grid="x")
    left, rows = np.zeros(len(genres)), range(len(genres))
    for part in PARTS:
        sizes = np.array([split.standing.sizes[part][genre].segments for genre in genres])
        axes.barh(rows, sizes, left=left, height=0.7, color=_PART_COLOURS[part], label=part)
        left += sizes
    axes.set_yticks(rows, [drawable(genre, 18) for genre in genres], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelbottom=True)
    axes.set_ylim(len(genres) - 0.4, -0.6)
    colour = WARNING if split.leaky else INK
    axes.set_title(drawable(split.title, 26), loc="left", size=9.5, color=colour)


def inflation(audit: Audit) -> Figure:
    """Draw the accuracy of both small models with each split, and its interval."""
    about = (
        "TEST part, per track · mean and standard deviation of MFCC, small models without "
        f"selection · seeds: {audit.plan.repeats}, 95 % interval · dashed: {_honest(audit)}"
    )
    splits = audit.splits
    figure = new_figure("What each split makes of a score", about, (7.6, 0.5 * len(splits) + 1.15))
    axes = clean_axes(figure.add_subplot(), grid="x")
    for model, colour, shift in zip(MODELS, (BLUE, VERMILION), (-0.14, 0.14), strict=True):
        _dots(axes, audit, model, (colour, shift))
    axes.set_yticks(range(len(splits)), [drawable(split.title, 28) for split in splits], color=INK)
    for label, split in zip(axes.get_yticklabels(), splits, strict=True):
        label.set_color(WARNING if split.leaky else INK)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(splits) - 0.4, -0.6)
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("accuracy", size=8.5, color=MUTED)
    style: dict[str, Any] = {"ncols": 2, "frameon": False, "fontsize": 8.5, "labelcolor": INK}
    figure.legend(loc="outside lower right", **style)
    return figure


def _honest(audit: Audit) -> str:
    """Return what the dashed lines are drawn at."""
    sound = [split.name for split in audit.splits if split.sound]
    return f"lowest and highest of {', '.join(sound)}, equally honest" if sound[1:] else sound[0]


def _dots(axes: Axes, audit: Audit, model: str, look: tuple[str, float]) -> None:
    colour, shift = look
    found = [split.accuracy[model] for split in audit.splits]
    means = np.array([each.mean for each in found])
    # Draws of few artists may all lie on one side of the mean.
    errors = [[max(0.0, m - each.interval[0]) for m, each in zip(means, found, strict=True)]]
    errors += [[max(0.0, each.interval[1] - m) for m, each in zip(means, found, strict=True)]]
    rows = np.arange(len(found)) + shift
    style: dict[str, Any] = {"fmt": "o", "ms": 5.5, "color": colour, "elinewidth": 1.4}
    axes.errorbar(means, rows, xerr=errors, label=MODELS[model], **style)
    sound = [split.accuracy[model].mean for split in audit.splits if split.sound]
    axes.axvspan(min(sound), max(sound), color=colour, alpha=0.08, linewidth=0, zorder=0)
    for place in {min(sound), max(sound)}:
        axes.axvline(place, color=colour, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)


def near_duplicates(audit: Audit) -> Figure:
    """Draw how many landmarks the pairs share that have something in common."""
    about = (
        f"{audit.heard.dataset.name} · share of landmarks at one distance in time; below "
        f"{100 * PART:.0f} % it is chance · crosses: two genres"
    )
    figure = new_figure("Tracks with something in common", about, (7.6, 2.1))
    axes = clean_axes(figure.add_subplot(), grid="x")
    for row, (kind, colour) in enumerate(_KINDS.items()):
        for differ, marker in ((False, "o"), (True, "x")):
            shares = [
                match.share
                for match in audit.matches
                if match.kind == kind and (match.labels[0] != match.labels[1]) == differ
            ]
            spread = row + 0.24 * np.sin(2.4 * np.arange(len(shares)))
            axes.plot(shares, spread, ls="", marker=marker, ms=5, color=colour, alpha=0.8)
    counts = [sum(match.kind == kind for match in audit.matches) for kind in _KINDS]
    names = [f"{kind} (n = {many})" for kind, many in zip(_KINDS, counts, strict=True)]
    axes.set_yticks(range(len(_KINDS)), names, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.axvline(COPY, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.set_ylim(len(_KINDS) - 0.5, -0.5)
    axes.set_xlim(0, 1.03)
    axes.set_xlabel(f"share of landmarks; copies from {COPY:g} on", size=8.5, color=MUTED)
    return figure
