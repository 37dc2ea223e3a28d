"""How systems and their leaderboards are called and coloured in all figures of a comparison."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genrecls.comparison.leaderboard import Leaderboard
from genrecls.reports.style import GREY, INK, PALETTE, WARNING
from genrecls.reports.text import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec

# Type of a heading in points, and its line in inches.
_SIZE, _LINE = 10.0, 0.19
_PLACE = 4


def colours(boards: Sequence[Leaderboard]) -> dict[str, str]:
    """Return a colour for each label, the same everywhere; behind the last one all are grey."""
    labels = dict.fromkeys(system.label for board in boards for system in board.systems)
    return dict(zip(labels, (*PALETTE, *[GREY] * len(labels)), strict=False))


def names(board: Leaderboard, width: int) -> list[str]:
    """Return the systems as figures call them, each behind its place in the table."""
    return [
        f"{place}  {drawable(system.label, width - _PLACE)}"
        for place, system in enumerate(board.systems, start=1)
    ]


def inches(texts: Sequence[str], size: float) -> float:
    """Return about how wide the longest of `texts` is in type of `size` points."""
    # An average glyph is as wide as 0.6 of its size; 72 points are an inch.
    return max(map(len, texts)) * 0.6 * size / 72


def head_room(board: Leaderboard, width: float) -> float:
    """Return the inches that the heading of a leaderboard takes above its drawing."""
    return _LINE * len(_lines(board, width))


def heading(figure: Figure, row: SubplotSpec, board: Leaderboard, width: float) -> None:
    """Write above a row of a figure what its leaderboard is about, `width` inches wide."""
    # Above a drawing that is narrower than its title, the layout would widen the drawing.
    axes = figure.add_subplot(row)
    axes.set_axis_off()
    text = "\n".join(drawable(line, len(line)) for line in _lines(board, width))
    colour, weight = (WARNING, "bold") if board.leaky else (INK, "normal")
    axes.set_title(text, loc="left", size=_SIZE, color=colour, weight=weight)


def _lines(board: Leaderboard, width: float) -> list[str]:
    return textwrap.wrap(board.about, max(20, int(width / inches(["x"], _SIZE))))
