"""How a run learned: loss, accuracy and learning rate over the epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genrecls.reports.numbers import finite
from genrecls.reports.style import BLUE, INK, MUTED, RULE, VERMILION, notice, quiet, sheet
from genrecls.reports.values import Epoch, Scope

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def learning_curves(history: Sequence[Epoch], scope: Scope, selected: int | None = None) -> Figure:
    """Draw loss and accuracy of both parts over the epochs.

    The learning rate has a panel of its own where it changes.

    Args:
        history: the epochs in order.
        scope: what the curves are curves of.
        selected: the epoch whose weights were kept, counted from 1.
    """
    figure = sheet("Learning curves", str(scope), (9.2, 3.1), alarm=scope.leaky)
    if not history:
        return notice(figure, "no epoch is recorded")
    names = ["loss", "accuracy"]
    if len({epoch.get("learning_rate") for epoch in history}) > 1:
        names.append("learning rate")
    for index, name in enumerate(names):
        axes = quiet(figure.add_subplot(1, len(names), index + 1), grid="y")
        _curves(axes, history, name)
        _mark(axes, selected)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    style: dict[str, Any] = {"ncols": 3, "frameon": False, "fontsize": 8.5, "labelcolor": INK}
    figure.legend(handles, labels, loc="outside lower center", **style)
    return figure


def _curves(axes: Axes, history: Sequence[Epoch], name: str) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = [epoch["epoch"] for epoch in history]
    rate = name == "learning rate"
    key = name.replace(" ", "_")
    curves = [("train", key, BLUE), ("validation", f"validation_{key}", VERMILION)]
    for part, column, colour in curves:
        values = [finite(epoch.get(column)) for epoch in history]
        if not all(map(math.isnan, values)):
            marker = "o" if len(epochs) < 30 else None
            style: dict[str, Any] = {"marker": marker, "ms": 3.5, "color": colour}
            style["drawstyle"] = "steps-post" if rate else "default"
            axes.plot(epochs, values, label=part, **style)
    axes.set_title(name, loc="left", size=9.5, color=INK)
    axes.set_xlabel("epoch", size=8.5, color=MUTED)
    axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    if rate:
        axes.set_yscale("log")
        axes.tick_params(which="minor", labelsize=8, labelcolor=MUTED, color=RULE)


def _mark(axes: Axes, selected: int | None) -> None:
    if selected is None:
        return
    label = f"selected: epoch {selected}"
    axes.axvline(selected, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), label=label, zorder=1)
