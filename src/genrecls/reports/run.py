"""From a finished run to its figures and its page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genrecls.console import warn
from genrecls.evaluation.prediction_tables import mistakes
from genrecls.evaluation.predictions import by_track
from genrecls.explain.examples_per_genre import cases
from genrecls.explain.explained import Case, Explanation
from genrecls.files.atomic import write_text
from genrecls.reports import explanation as explanations
from genrecls.reports.pages import render
from genrecls.reports.run_figures import draw
from genrecls.reports.style import save
from genrecls.reports.values import ExampleInputs, Report
from genrecls.runs.run import Run
from genrecls.training.data import normalisation

if TYPE_CHECKING:
    from genrecls.experiment.evaluate import RunResult
    from genrecls.experiment.experiment import Experiment
    from genrecls.experiment.prepare import PreparedData


def write_report(
    run: Run, experiment: Experiment, prepared: PreparedData, outcome: RunResult
) -> None:
    """Draw all figures of a run into its folder and write `report.html`."""
    paths = {track.id: track.path for track in prepared.dataset.tracks}
    tracks = by_track(outcome.test, experiment.run.vote)
    report = Report(
        name=run.name,
        metrics=outcome.metrics,
        history=outcome.history,
        mistakes=mistakes(tracks, prepared.dataset.labels, paths),
        examples=_examples(experiment, prepared),
        cases=_cases(experiment, prepared, outcome),
        config_yaml=run.config.read_text(encoding="utf-8"),
        environment=run.read_environment(),
        command=str(run.state.get("command", "")),
    )
    figures = draw(report)
    for name, figure in figures.items():
        save(figure, run.figures / f"{name}.png")
    write_text(run.report, render(report, figures))


def write_explanation(folder: Path, explanation: Explanation) -> list[Path]:
    """Draw an explanation into a folder and return what was written, the page first."""
    figures = explanations.draw(explanation)
    paths = {name: folder / f"{name}.png" for name in figures}
    for name, figure in figures.items():
        save(figure, paths[name])
    page = folder / "explanation.html"
    write_text(page, explanations.render(explanation, figures))
    return [page, *paths.values()]


def _cases(experiment: Experiment, prepared: PreparedData, outcome: RunResult) -> list[Case]:
    """Return what decided in the test part; a run is not lost because that cannot be told."""
    labels, length = prepared.dataset.labels, experiment.segment.length
    try:
        return cases(outcome.model, experiment.features, prepared.parts["test"], labels, length)
    except Exception as error:  # noqa: BLE001 - such as a layer of the user's without gradients
        warn(f"the report does not show what decided: {type(error).__name__}: {error}")
        return []


def _examples(experiment: Experiment, prepared: PreparedData) -> ExampleInputs:
    """Return the middle segment of the first training track of each genre.

    It is standardised per coefficient, unless it is in colour.
    """
    part, labels = prepared.parts["train"], prepared.dataset.labels
    name, values = next(iter(part.inputs.items()))
    if values.ndim not in {3, 4}:
        return ExampleInputs()
    statistics = None if values.ndim == 4 else normalisation(part)[name]
    pictures: dict[str, Any] = {}
    for index, label in enumerate(labels):
        rows = np.flatnonzero(part.targets == index)
        first = [row for row in rows if part.tracks[row] == part.tracks[rows[0]]]
        middle = values[first[len(first) // 2]]
        if statistics:
            middle = (middle - statistics.mean) / np.sqrt(statistics.variance)
        pictures[label] = middle
    return ExampleInputs(pictures, experiment.features.axes, experiment.segment.length, "train")
