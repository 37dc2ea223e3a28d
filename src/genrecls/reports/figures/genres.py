"""Precision, recall and F1 of each genre."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from genrecls.evaluation.metrics import GenreScores
from genrecls.reports.numbers import decimal, finite
from genrecls.reports.scope import Scope
from genrecls.reports.style import (
    INK,
    MUTED,
    PALE,
    VERMILION,
    clean_axes,
    in_style,
    name_rows,
    new_figure,
)
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_style
def per_genre_bars(per_genre: Mapping[str, GenreScores], scope: Scope) -> Figure:
    """Draw F1 of every genre as a bar, precision and recall as marks on it, best genre first.

    Args:
        per_genre: genre to its precision, recall, f1 (each 0 to 1) and support.
        scope: what was scored.
    """
    height = 0.34 * max(2, len(per_genre)) + 1.0
    figure = new_figure("Scores of each genre", str(scope), (7.4, height), alarm=scope.leaky)
    axes = clean_axes(figure.add_subplot(), "x")
    ranks = {genre: np.nan_to_num(finite(s.f1), nan=-1.0) for genre, s in per_genre.items()}
    ranked = sorted(per_genre, key=lambda genre: -ranks[genre])
    scores = [per_genre[genre] for genre in ranked]
    rows = range(len(scores))
    f1 = np.nan_to_num([finite(score.f1) for score in scores])
    axes.barh(rows, f1, height=0.62, color=PALE, label="F1")
    recall = [finite(score.recall) for score in scores]
    axes.plot(recall, rows, "|", ms=13, mew=2.4, color=VERMILION, label="recall")
    precision = [finite(score.precision) for score in scores]
    axes.plot(precision, rows, "o", ms=5.5, color=INK, label="precision")
    axes.text(1.03, -0.75, "F1", va="center", color=MUTED)
    for row, score in enumerate(scores):
        axes.text(1.03, row, decimal(score.f1, 2), va="center")
    name_rows(axes, [f"{drawable(g, 32)}  (n = {per_genre[g].support})" for g in ranked])
    axes.set(xlim=(0, 1.08), xticks=np.linspace(0, 1, 6))
    figure.legend(loc="outside lower right", ncols=3)
    return figure
