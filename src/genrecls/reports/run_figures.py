"""All figures of a run's report, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genrecls.reports.figures.class_balance import genre_counts, unequal
from genrecls.reports.figures.confusion import confusion_matrix
from genrecls.reports.figures.evidence import what_decided
from genrecls.reports.figures.genres import per_genre_bars
from genrecls.reports.figures.inputs import example_inputs
from genrecls.reports.figures.learning_curves import learning_curve
from genrecls.reports.figures.mistakes import worst_mistakes
from genrecls.reports.values import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(report: Report) -> dict[str, Figure]:
    """Return the figures of `report` by a name that also serves as file name.

    What the run has nothing to show of is left out: curves without epochs, examples of nothing.
    """
    figures: dict[str, Figure] = {}
    scope, scores = report.scope("test", "track"), report.scores("test", "track")
    if report.history:
        both = report.scope("train and validation", "segment")
        selected = report.metrics["selection"].get("epoch")
        figures["learning_curves"] = learning_curve(report.history, both, selected)
    if scores:
        labels = report.metrics["labels"]
        figures["confusion_matrix"] = confusion_matrix(scores["confusion"], labels, scope)
        figures["per_genre"] = per_genre_bars(scores["per_genre"], scope)
    if report.mistakes:
        figures["worst_mistakes"] = worst_mistakes(report.mistakes, scope)
    if report.cases:
        figures["what_decided"] = what_decided(report.cases, report.scope("test", "segment"))
    if report.examples.pictures:
        seen = report.scope(report.examples.part, "segment")
        figures["example_inputs"] = example_inputs(report.examples, seen)
    counts = report.genres("segment")
    if counts and unequal(counts):
        every = report.scope("train, validation and test", "segment")
        figures["genre_counts"] = genre_counts(counts, every)
    return figures
