"""One page about what decided for one segment of a file; it needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from genrecls.explain.explanation import Explanation
from genrecls.files.atomic import write_text
from genrecls.reports.figure_files import write_figures
from genrecls.reports.figures.evidence import evidence_bars, evidence_map
from genrecls.reports.figures.layers import activation_maps, first_filters
from genrecls.reports.pages import render_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(explanation: Explanation) -> dict[str, Figure]:
    """Return all figures of an explanation by a name that also serves as file name."""
    origin, genre = explanation.origin, explanation.labels[explanation.genre]
    figures: dict[str, Figure] = {}
    for evidence in explanation.evidence:
        drawing = evidence_map if evidence.values.ndim == 2 else evidence_bars
        figures[f"evidence_{evidence.name}"] = drawing(evidence, genre, origin)
    for layer, answer in explanation.activations.items():
        figures[f"activations_{layer}"] = activation_maps(layer, answer, origin)
    if explanation.kernel is not None:
        figures["filters"] = first_filters(explanation.kernel, explanation.trained)
    return figures


def render(explanation: Explanation, figures: Mapping[str, Figure]) -> str:
    """Return the page as HTML, with the figures as `draw` makes them."""
    order = sorted(range(len(explanation.labels)), key=lambda index: -explanation.segment[index])
    return render_page("explanation.html.j2", figures, explanation=explanation, order=order)


def write_explanation(folder: Path, explanation: Explanation) -> list[Path]:
    """Draw an explanation into a folder and return what was written, the page first."""
    figures = write_figures(lambda: draw(explanation), folder)
    page = folder / "explanation.html"
    write_text(page, render(explanation, figures))
    return [page, *(folder / f"{name}.png" for name in figures)]
