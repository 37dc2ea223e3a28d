"""The paper that all figures are drawn on: colours, titles, axes and saving.

Figures are made without pyplot: no global state, no display, usable from any thread.
"""

from __future__ import annotations

import base64
import io
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from genrecls.files.atomic import replacing
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, RULE, WARNING = "#1c2430", "#5b6675", "#d5dae1", "#b42318"
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILION, YELLOW, GREY = "#56B4E9", "#D55E00", "#F0E442", "#c3c9d1"
PALE = "#a6d4f2"
# Okabe and Ito's colours stay apart for every kind of colour vision; there are no more of them.
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, VERMILION, YELLOW)

DOTS_PER_INCH = 150
_TITLE_SIZE, _LINE_SIZE = 12.0, 8.5
_MARGIN = 0.1
# One title line and one line below it, in inches of their type size.
_TITLE_HEIGHT, _LINE_HEIGHT = 0.27, 0.165


def new_figure(title: str, about: str, size: tuple[float, float], alarm: bool = False) -> Figure:
    """Return an empty figure with its title and, below it, what it is about.

    Args:
        title: what is drawn.
        about: part, unit and split, or whatever else says what the numbers are numbers of.
        size: width and height in inches of the room below the title.
        alarm: whether `about` has to be read before the figure is believed.
    """
    from matplotlib.figure import Figure

    # An average glyph is as wide as 0.6 of its size; 72 points are an inch.
    lines = textwrap.wrap(about, max(20, int(size[0] * 72 / (0.6 * _LINE_SIZE)))) or [""]
    head = _MARGIN + _TITLE_HEIGHT + _LINE_HEIGHT * len(lines) + _MARGIN
    width, height = size[0], size[1] + head
    figure = Figure(figsize=(width, height), facecolor="white")
    figure.set_layout_engine(
        "constrained", rect=(0, 0, 1, size[1] / height), w_pad=0.06, h_pad=0.06
    )
    left, top = _MARGIN / width, 1 - _MARGIN / height
    place: dict[str, Any] = {"ha": "left", "va": "top"}
    figure.text(left, top, title, size=_TITLE_SIZE, weight="bold", color=INK, **place)
    below = top - _TITLE_HEIGHT / height
    colour, weight = (WARNING, "bold") if alarm else (MUTED, "normal")
    about = "\n".join(drawable(line, width=200) for line in lines)
    figure.text(left, below, about, size=_LINE_SIZE, color=colour, weight=weight, **place)
    return figure


def clean_axes(axes: Axes, grid: Literal["x", "y"] | None = None) -> Axes:
    """Take away from `axes` what does not carry data; `grid` is "x" or "y" where lines help."""
    # Without a patch the figure alone decides its background, so a page can leave it out.
    axes.patch.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom" or (side == "left" and grid != "x"))
        spine.set_color(RULE)
    axes.tick_params(labelsize=8.5, colors=MUTED, color=RULE, length=3)
    axes.set_axisbelow(True)
    if grid is not None:
        axes.grid(axis=grid, color=RULE, linewidth=0.6)
    return axes


def empty_figure(figure: Figure, text: str) -> Figure:
    """Write `text` where a drawing would have been."""
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", size=10, color=MUTED)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write `figure` to `path` as PNG, whole or not at all and the same bytes for the same data."""
    with replacing(path) as beside:
        beside.write_bytes(_png(figure, background="white"))


def data_uri(figure: Figure) -> str:
    """Return `figure` as a `data:` address: a PNG without background, to stand on any page."""
    return "data:image/png;base64," + base64.b64encode(_png(figure, background="none")).decode()


def _png(figure: Figure, background: str) -> bytes:
    written = io.BytesIO()
    # Without this the version of matplotlib would be part of the file.
    metadata = {"Software": None}
    figure.savefig(
        written, format="png", dpi=DOTS_PER_INCH, facecolor=background, metadata=metadata
    )
    return written.getvalue()
