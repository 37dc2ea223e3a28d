"""Predictions as a figure over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genrecls.inference.keras_classifier import FileClassifier
from genrecls.reports.figures.timeline import timeline
from genrecls.reports.style import save
from genrecls.runtime.result import Result


def write_timeline(path: Path, results: Sequence[Result], classifier: FileClassifier) -> None:
    """Draw the probabilities of the classified files over time into a PNG."""
    usable = [result for result in results if result.error is None]
    save(timeline(usable, classifier.labels, about=classifier.about), path)
