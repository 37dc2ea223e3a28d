"""How well each genre is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genrecls.reports.numbers import decimal, finite
from genrecls.reports.scope import Scope
from genrecls.reports.style import INK, MUTED, PALE, VERMILION, clean_axes, new_figure
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def per_genre_bars(per_genre: Mapping[str, Mapping[str, Any]], scope: Scope) -> Figure:
    """Draw F1 of every genre as a bar, precision and recall as marks on it, best genre first.

    Args:
        per_genre: genre to its precision, recall, f1 (each 0 to 1) and support.
        scope: what was scored.
    """
    height = 0.34 * max(2, len(per_genre)) + 1.0
    figure = new_figure("Scores of each genre", str(scope), (7.4, height), alarm=scope.leaky)
    axes = clean_axes(figure.add_subplot(), grid="x")
    ranked = sorted(per_genre, key=lambda genre: _rank(per_genre[genre]))
    _bars(axes, [per_genre[genre] for genre in ranked])
    names = [_name(genre, per_genre[genre]) for genre in ranked]
    axes.set_yticks(range(len(ranked)), names, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(ranked) - 0.4, -0.6)
    axes.set_xlim(0, 1.08)
    axes.set_xticks(np.linspace(0, 1, 6))
    figure.legend(loc="outside lower right", ncols=3, frameon=False, fontsize=8.5, labelcolor=INK)
    return figure


def _bars(axes: Axes, scores: Sequence[Mapping[str, Any]]) -> None:
    rows = np.arange(len(scores))
    values = {
        key: np.array([finite(score[key]) for score in scores], dtype=float)
        for key in ("precision", "recall", "f1")
    }
    axes.barh(rows, np.nan_to_num(values["f1"]), height=0.62, color=PALE, label="F1")
    recall: dict[str, Any] = {"marker": "|", "markersize": 13, "markeredgewidth": 2.4}
    axes.plot(values["recall"], rows, ls="", color=VERMILION, label="recall", **recall)
    axes.plot(values["precision"], rows, "o", ms=5.5, color=INK, label="precision")
    axes.text(1.03, -0.75, "F1", ha="left", va="center", size=8.5, color=MUTED)
    for row, score in enumerate(scores):
        shown = decimal(score["f1"], 2)
        axes.text(1.03, row, shown, ha="left", va="center", size=8.5, color=INK)


def _rank(score: Mapping[str, Any]) -> float:
    return -float(np.nan_to_num(finite(score["f1"]), nan=-1.0))


def _name(genre: str, score: Mapping[str, Any]) -> str:
    return f"{drawable(genre, 28)}  (n = {score['support']})"
