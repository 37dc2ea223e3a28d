"""Figures of an audit of splits: sizes, inflated scores, and how much tracks have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genrecls.reports.style import (
    BLUE,
    GREY,
    INK,
    MUTED,
    ORANGE,
    PALE,
    SCORE_LIMITS,
    VERMILION,
    WARNING,
    clean_axes,
    in_style,
    inches,
    name_rows,
    new_figure,
)
from genrecls.reports.text import drawable
from genrecls.split_audit.audit import Audit
from genrecls.split_audit.near_duplicates import COPY, PART
from genrecls.split_audit.score_inflation import MODELS
from genrecls.splits.base import PARTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 4
_PART_COLOURS = {"train": PALE, "validation": ORANGE, "test": BLUE}
_KINDS = {"identical": VERMILION, "copy": BLUE, "part": GREY}
_DASHES = (0, (4, 3))


def draw(audit: Audit) -> dict[str, Figure]:
    """Return the figures by a name that also serves as file name; none of what is not there."""
    figures = {"parts": parts(audit), "inflation": inflation(audit)}
    if audit.matches:
        figures["near_duplicates"] = near_duplicates(audit)
    return figures


@in_style
def parts(audit: Audit) -> Figure:
    """Draw the segments of each genre in each part, a panel a split.

    Not the tracks, because those of a leaky split are in several parts.
    """
    many, genres = len(audit.splits), audit.scan.dataset.labels
    rows, columns = -(-many // _COLUMNS), min(many, _COLUMNS)
    names = [drawable(genre, 32) for genre in genres]
    width = max(map(inches, names)) + 2.2 * columns
    size = (max(6.0, width), rows * (0.24 * len(genres) + 0.75) + 0.4)
    about = f"{audit.scan.dataset.name} · bars: segments · seed {audit.plan.seed}"
    figure = new_figure("Genres in the parts of each split", about, size)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True, sharex=True)
    for axes in grid.flat[many:]:
        axes.set_axis_off()
    for axes, split in zip(grid.flat, audit.splits, strict=False):
        clean_axes(axes, "x")
        left = np.zeros(len(genres))
        for part in PARTS:
            sizes = np.array([split.overlap.sizes[part][genre].segments for genre in genres])
            colour = _PART_COLOURS[part]
            axes.barh(range(len(genres)), sizes, left=left, height=0.7, color=colour, label=part)
            left += sizes
        name_rows(axes, names)
        axes.tick_params(axis="x", labelbottom=True)
        axes.set_title(drawable(split.title, 26), color=WARNING if split.leaky else INK)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


@in_style
def inflation(audit: Audit) -> Figure:
    """Draw the accuracy of both small models with each split, and its interval."""
    splits = audit.splits
    sound = [split for split in splits if split.honest]
    dashed = sound[0].name
    if sound[1:]:
        names = ", ".join(split.name for split in sound)
        dashed = f"lowest and highest of {names}, equally honest"
    about = (
        "TEST part, per track · mean and standard deviation of MFCC, small models without "
        f"selection · seeds: {audit.plan.repeats}, 95 % interval · dashed: {dashed}"
    )
    figure = new_figure("What each split makes of a score", about, (7.6, 0.5 * len(splits) + 1.15))
    axes = clean_axes(figure.add_subplot(), "x")
    for model, colour, shift in zip(MODELS, (BLUE, VERMILION), (-0.14, 0.14), strict=True):
        estimates = [split.accuracy[model] for split in splits]
        # Draws of few artists may all lie on one side of the mean.
        errors = [
            [max(0.0, e.mean - e.interval[0]) for e in estimates],
            [max(0.0, e.interval[1] - e.mean) for e in estimates],
        ]
        style: dict[str, Any] = {"fmt": "o", "ms": 5.5, "color": colour, "elinewidth": 1.4}
        rows = np.arange(len(splits)) + shift
        axes.errorbar([e.mean for e in estimates], rows, xerr=errors, label=MODELS[model], **style)
        means = [split.accuracy[model].mean for split in sound]
        axes.axvspan(min(means), max(means), color=colour, alpha=0.08, lw=0, zorder=0)
        for place in {min(means), max(means)}:
            axes.axvline(place, color=colour, lw=0.9, ls=_DASHES, zorder=1)
    name_rows(axes, [drawable(split.title, 28) for split in splits])
    for label, split in zip(axes.get_yticklabels(), splits, strict=True):
        label.set_color(WARNING if split.leaky else INK)
    axes.set(xlim=SCORE_LIMITS, xlabel="accuracy")
    figure.legend(loc="outside lower right", ncols=2)
    return figure


@in_style
def near_duplicates(audit: Audit) -> Figure:
    """Draw how many landmarks the pairs share that have something in common."""
    about = (
        f"{audit.scan.dataset.name} · share of landmarks at one distance in time; below "
        f"{100 * PART:.0f} % it is chance · crosses: two genres"
    )
    figure = new_figure("Tracks with something in common", about, (7.6, 2.1))
    axes = clean_axes(figure.add_subplot(), "x")
    names = []
    for row, (kind, colour) in enumerate(_KINDS.items()):
        matches = [match for match in audit.matches if match.kind == kind]
        names.append(f"{kind} (n = {len(matches)})")
        for differ, marker in ((False, "o"), (True, "x")):
            shares = [m.share for m in matches if (m.labels[0] != m.labels[1]) == differ]
            spread = row + 0.24 * np.sin(2.4 * np.arange(len(shares)))
            axes.plot(shares, spread, marker, ms=5, color=colour, alpha=0.8)
    name_rows(axes, names, room=0.5)
    axes.axvline(COPY, color=MUTED, lw=1, ls=_DASHES, zorder=1)
    axes.set(xlim=(0, 1.03), xlabel=f"share of landmarks; copies from {COPY:g} on")
    return figure
