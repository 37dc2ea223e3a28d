"""How all figures look: one style, the paper they are drawn on, and what several of them share.

Figures are made without pyplot: no global figure, no display, usable from any thread.
"""

from __future__ import annotations

import base64
import io
import math
import textwrap
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from genrecls.files.atomic import replacing
from genrecls.reports.text import drawable, elide, fonts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from PIL import Image

INK, MUTED, RULE, WARNING = "#1c2430", "#5b6675", "#d5dae1", "#b42318"
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILION, YELLOW, GREY = "#56B4E9", "#D55E00", "#F0E442", "#c3c9d1"
PALE = "#a6d4f2"
# Okabe and Ito's colours stay apart for every kind of colour vision; there are no more of them.
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, VERMILION, YELLOW)

SCORE_LIMITS = (-0.02, 1.02)
"""Ends of every axis of accuracies or F1, with room for a marker at 0 and at 1: two figures can be
compared by eye."""

STYLE: dict[str, Any] = {
    "figure.facecolor": "white",
    "savefig.dpi": 150,
    "font.size": 8.5,
    "text.color": INK,
    # Without a colour of its own, a drawing stands on any page.
    "axes.facecolor": "none",
    "axes.edgecolor": RULE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.0,
    "axes.titlecolor": INK,
    "axes.labelsize": 8.5,
    "axes.labelcolor": MUTED,
    "figure.labelsize": 8.5,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.labelsize": 8.5,
    "xtick.color": RULE,
    "xtick.labelcolor": MUTED,
    "xtick.major.size": 3.0,
    "ytick.labelsize": 8.5,
    "ytick.color": RULE,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 3.0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.labelcolor": INK,
    "image.aspect": "auto",
    "image.interpolation": "nearest",
}
"""Settings of matplotlib; whatever the user's own say does not count."""

PAPER: dict[str, Any] = {
    "font.size": 8.0,
    "mathtext.fontset": "stix",
    "axes.titlesize": 8.0,
    "axes.labelsize": 8.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "figure.labelsize": 8.0,
    "xtick.labelsize": 7.5,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelsize": 7.5,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "legend.fontsize": 7.5,
}
"""What of `STYLE` is another thing in a paper: darker, smaller, in a type like that of the text."""

COLUMN, TEXT = 3.5, 7.16
"""Widths of a column, and of the text with two of them, in inches, as the IEEE has them."""

_PAPER_FONT = "STIXGeneral"
# What is narrower stands in one column.
_WIDEST_IN_COLUMN = 6.5
_for_paper: ContextVar[bool] = ContextVar("for_paper", default=False)

_LINE_SIZE = 8.5
_MARGIN = 0.1
_LOG_ROOM = 1.7
# One title line and one line below it, in inches of their type size.
_TITLE_HEIGHT, _LINE_HEIGHT = 0.27, 0.165

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def for_paper() -> Iterator[None]:
    """Draw figures for a paper during the block: without heading, as wide as one or two columns."""
    token = _for_paper.set(True)
    try:
        yield
    finally:
        _for_paper.reset(token)


def _style() -> dict[str, Any]:
    return {**STYLE, **PAPER} if _for_paper.get() else STYLE


def _families() -> list[str]:
    return [*([_PAPER_FONT] if _for_paper.get() else []), *fonts().families]


def in_style(draw: Callable[P, T]) -> Callable[P, T]:
    """Make a function draw in `STYLE`."""

    @wraps(draw)
    def draw_in_style(*args: P.args, **kwargs: P.kwargs) -> T:
        from matplotlib import style
        from matplotlib.figure import Figure
        from matplotlib.text import Text

        families = _families()
        with style.context({**_style(), "font.family": families}, after_reset=True):
            drawn = draw(*args, **kwargs)
        # Fonts are added while names are written, after the texts of axes were made. Where none
        # was, no text is looked for: to find them takes as long as to draw a small figure.
        if isinstance(drawn, Figure) and families != _families():
            for text in drawn.findobj(Text):
                text.set_fontfamily(_families())
        return drawn

    return draw_in_style


@dataclass(frozen=True)
class Heading:
    """What stands above a drawing: in the figure, or beside it in the type of a page.

    Attributes:
        title: what is drawn.
        about: what the numbers are numbers of.
        alarm: whether `about` has to be read before the figure is believed.
        height: in inches of the figure.
    """

    title: str
    about: str
    alarm: bool
    height: float


def new_figure(title: str, about: str, size: tuple[float, float], alarm: bool = False) -> Figure:
    """Return an empty figure with its title and, below it, what it is about.

    Args:
        title: what is drawn.
        about: part, unit and split, or whatever else says what the numbers are numbers of.
        size: width and height in inches of the room below the title.
        alarm: whether `about` has to be read before the figure is believed.
    """
    from matplotlib.figure import Figure

    if _for_paper.get():
        # Its caption says what the heading of a page does.
        scale = (COLUMN if size[0] <= _WIDEST_IN_COLUMN else TEXT) / size[0]
        figure = Figure(figsize=(size[0] * scale, size[1] * min(1.0, scale)))
        figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.03)
        figure.heading = Heading(title, about, alarm, 0.0)  # type: ignore[attr-defined]
        return figure
    lines = textwrap.wrap(about, max(20, int(size[0] / inches("x", _LINE_SIZE)))) or [""]
    head = _MARGIN + _TITLE_HEIGHT + _LINE_HEIGHT * len(lines) + _MARGIN
    width, height = size[0], size[1] + head
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine(
        "constrained", rect=(0, 0, 1, size[1] / height), w_pad=0.06, h_pad=0.06
    )
    left, top = _MARGIN / width, 1 - _MARGIN / height
    figure.text(left, top, title, va="top", size=12, weight="bold")
    figure.text(
        left,
        top - _TITLE_HEIGHT / height,
        "\n".join(drawable(line, width=200) for line in lines),
        va="top",
        color=WARNING if alarm else MUTED,
        weight="bold" if alarm else "normal",
    )
    figure.heading = Heading(title, about, alarm, head)  # type: ignore[attr-defined]
    return figure


def heading(figure: Figure) -> Heading:
    """Return what `new_figure` wrote above a drawing, as it was given."""
    given: Heading = figure.heading  # type: ignore[attr-defined]
    return given


def empty_figure(figure: Figure, text: str) -> Figure:
    """Write `text` where a drawing would have been."""
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", size=10, color=MUTED)
    return figure


def inches(text: str, size: float = _LINE_SIZE) -> float:
    """Return about how wide `text` is in type of `size` points."""
    # An average glyph is as wide as 0.6 of its size, a Chinese one as all of it; 72 points are an
    # inch.
    widths = (1 if unicodedata.east_asian_width(glyph) in "WF" else 0.6 for glyph in text)
    return sum(widths) * size / 72


def in_two_lines(name: str) -> str:
    """Return a name as it stands above a small panel, at most two lines of 20 characters."""
    return "\n".join(drawable(line, 20) for line in textwrap.wrap(elide(name, 36), 20)[:2])


def clean_axes(axes: Axes, grid: Literal["x", "y", "both"]) -> Axes:
    """Draw lines at the ticks of one axis, or of both; rows of names need no left edge."""
    axes.grid(axis=grid)
    axes.spines["left"].set_visible(grid != "x")
    return axes


def name_rows(axes: Axes, names: Sequence[str], room: float = 0.6) -> None:
    """Write `names` at the left of the rows 0, 1, ..., the first on top.

    Args:
        axes: where the rows are drawn.
        names: of the rows.
        room: above the first row and below the last one, in rows.
    """
    axes.set_yticks(range(len(names)), list(names), color=INK)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 1 + room, -room)


def separate_cells(axes: Axes, rows: int, columns: int) -> None:
    """Draw white lines between the cells of an image, which keep neighbours of one shade apart."""
    axes.spines[:].set_visible(False)
    axes.set_yticks([row - 0.5 for row in range(rows + 1)], minor=True)
    axes.set_xticks([column - 0.5 for column in range(columns + 1)], minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)


def whole_numbers(axis: Axis, most: int) -> None:
    """Let an axis have at most about `most` ticks, all at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(most, integer=True, min_n_ticks=1))


def logarithmic(axes: Axes, text: Callable[[float], str], values: Collection[float]) -> None:
    """Make the horizontal axis logarithmic and as long as its values ask for.

    Args:
        axes: whose axis it is.
        text: writes the number at a tick, of which there are few enough to stand apart.
        values: all that is drawn, above 0.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = min(values) / _LOG_ROOM, max(values) * _LOG_ROOM
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    decades = math.log10(high / low)
    steps = (1, 2, 5) if decades < 1.5 else (1, 3) if decades < 2.5 else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axes.xaxis.set_minor_locator(NullLocator())


def colour_bar(figure: Figure, image: Any, label: str = "", **place: Any) -> None:
    """Draw the scale of an image's colours; `place` are arguments of `Figure.colorbar`."""
    bar = figure.colorbar(image, **place)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, length=0)
    bar.set_label(label)


def save(figure: Figure, path: Path) -> None:
    """Write `figure` to `path`, whole or not at all and the same bytes for the same data.

    The suffix says what is written: PNG, SVG or PDF.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind in _VECTOR:
        with replacing(path) as beside:
            _write_vector(figure, beside, kind)
        return
    from PIL import Image

    drawing = _drawing(figure)
    paper = Image.new("RGBA", drawing.size, "white")
    paper.alpha_composite(drawing)
    with replacing(path) as beside:
        beside.write_bytes(_png(paper.convert("RGB")))


def data_uri(figure: Figure) -> str:
    """Return a drawing as a `data:` address: a PNG without background, to stand on any page.

    Its heading is cut off: the page has it in its own type, where it can be read at any width.
    """
    drawing = _drawing(figure)
    top = round(heading(figure).height * STYLE["savefig.dpi"])
    png = _png(drawing.crop((0, top, drawing.width, drawing.height)))
    return "data:image/png;base64," + base64.b64encode(png).decode()


_drawings: WeakKeyDictionary[Figure, Image.Image] = WeakKeyDictionary()


@in_style
def _drawing(figure: Figure) -> Image.Image:
    """Return a figure without background, drawn once: a run has each in a file and on its page."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    if figure not in _drawings:
        figure.set_dpi(STYLE["savefig.dpi"])
        figure.patch.set_facecolor("none")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        _drawings[figure] = Image.frombytes(
            "RGBA", canvas.get_width_height(physical=True), bytes(canvas.buffer_rgba())
        )
    return _drawings[figure]


_VECTOR = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Kinds of vector graphics, with the metadata that would make each file another one."""


@in_style
def _write_vector(figure: Figure, path: Path, kind: str) -> None:
    from matplotlib import rc_context

    figure.patch.set_facecolor("none")
    # Letters stay letters in a PDF; in an SVG they are outlines, which need no font.
    with rc_context({"pdf.fonttype": 42, "svg.hashsalt": "genrecls"}):
        figure.savefig(path, format=kind, metadata=_VECTOR[kind])


def _png(drawing: Image.Image) -> bytes:
    png = io.BytesIO()
    drawing.save(png, format="png", dpi=(STYLE["savefig.dpi"],) * 2)
    return png.getvalue()
