"""Files of figures: which kinds are written, for a page or for a paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from genrecls.config.schema import Schema
from genrecls.files.atomic import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class FigureSettings(Schema):
    """How figures are written.

    Attributes:
        format: kinds of files beside PNG, which documents in Markdown show: `svg`, `pdf`.
        style: `page` has a title and the numbers' part and split in each figure; `paper` has a
            paper's type and column widths, and these in the captions of `figures.tex`.
    """

    format: tuple[Literal["png", "svg", "pdf"], ...] = ("png",)
    style: Literal["page", "paper"] = "page"


# A figure of `figures.tex`, and its name.
_BLOCK = re.compile(r"(\\begin{figure}.*?\\label{fig:(.*?)}\n\\end{figure})", re.DOTALL)

_SETTINGS: ContextVar[FigureSettings] = ContextVar("figures", default=FigureSettings())  # noqa: B039


@contextmanager
def figures_as(settings: FigureSettings) -> Iterator[None]:
    """Write figures as `settings` say during the block."""
    token = _SETTINGS.set(settings)
    try:
        yield
    finally:
        _SETTINGS.reset(token)


def write_figures(draw: Callable[[], Mapping[str, Figure]], folder: Path) -> Mapping[str, Figure]:
    """Write the figures that `draw` returns by name, and return them as a page shows them."""
    from genrecls.reports.style import for_paper, save

    settings = _SETTINGS.get()
    shown = written = draw()
    if settings.style == "paper":
        with for_paper():
            written = draw()
        _write_captions(folder, written, "pdf" if "pdf" in settings.format else "png")
    for name, figure in written.items():
        for kind in ("png", *(kind for kind in settings.format if kind != "png")):
            save(figure, folder / f"{name}.{kind}")
    return shown


def _write_captions(folder: Path, figures: Mapping[str, Figure], kind: str) -> None:
    """Write LaTeX that shows each figure above what it is and what its numbers are numbers of.

    Figures that were written into the folder before keep their place.
    """
    from genrecls.reports.style import heading
    from genrecls.reports.tables import latex_text

    path = folder / "figures.tex"
    earlier = path.read_text(encoding="utf-8") if path.is_file() else ""
    blocks = {
        name: block
        for block, name in _BLOCK.findall(earlier)
        if any((folder / f"{name}.{suffix}").is_file() for suffix in ("png", "pdf"))
    }
    for name, figure in figures.items():
        about = heading(figure)
        lines = [
            "\\begin{figure}",
            "  \\centering",
            f"  \\includegraphics{{{name}.{kind}}}",
            f"  \\caption{{{latex_text(f'{about.title}: {about.about}.')}}}",
            f"  \\label{{fig:{name}}}",
            "\\end{figure}",
        ]
        blocks[name] = "\n".join(lines)
    write_text(path, "\n\n".join(["% needs \\usepackage{graphicx}", *blocks.values()]) + "\n")
