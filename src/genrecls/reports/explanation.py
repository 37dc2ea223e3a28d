"""One page about what decided for one segment of a file; it needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genrecls.explain.explained import Explanation
from genrecls.reports.figures.evidence import evidence_bars, evidence_map
from genrecls.reports.figures.layers import activation_maps, first_filters
from genrecls.reports.pages import environment, printable
from genrecls.reports.style import data_uri

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
    drawn = {name: data_uri(figure) for name, figure in figures.items()}
    order = sorted(range(len(explanation.labels)), key=lambda index: -explanation.segment[index])
    template = environment().get_template("explanation.html.j2")
    return printable(template.render(explanation=explanation, figures=drawn, order=order))
