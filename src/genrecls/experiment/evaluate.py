"""What a finished training leaves in its run folder: model, predictions, scores, report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from genrecls.console import say
from genrecls.evaluation.class_balance import Balance, balances, majority_baselines
from genrecls.evaluation.prediction_tables import (
    PREDICTION_COLUMNS,
    mistakes,
    part_scores,
    prediction_rows,
)
from genrecls.evaluation.predictions import Predictions, by_track
from genrecls.experiment.experiment import Experiment
from genrecls.experiment.prepare import PreparedData
from genrecls.files.tables import write_json, write_rows, write_table
from genrecls.models.cost import layer_costs
from genrecls.runs.model_file import ModelCard, save
from genrecls.runs.run import Run
from genrecls.runtime.description import leak_mark
from genrecls.splits.base import Part
from genrecls.training.checkpoint import Progress
from genrecls.training.data import Examples
from genrecls.training.loop import probabilities

if TYPE_CHECKING:
    import keras

EVALUATED: tuple[Part, ...] = ("validation", "test")


@dataclass(frozen=True)
class Trained:
    """A model after its last epoch, with the weights that `trainer.keep` names.

    Attributes:
        seconds: time spent on each stage.
    """

    model: keras.Model
    progress: Progress
    seconds: Mapping[str, float]


def write_results(
    run: Run, experiment: Experiment, prepared: PreparedData, trained: Trained
) -> None:
    """Evaluate validation and test, once each, and write everything; `metrics.json` comes last."""
    started = time.monotonic()
    labels, vote = prepared.dataset.labels, experiment.run.vote
    segments = {
        part: predict_examples(trained.model, prepared.parts[part], experiment.trainer.batch_size)
        for part in EVALUATED
    }
    genres = {part: balances(e.tracks, e.targets, labels) for part, e in prepared.parts.items()}
    parts = _part_facts(experiment, labels, segments, genres)
    seconds = {**trained.seconds, "evaluation": round(time.monotonic() - started, 2)}
    metrics = {
        "dataset": _dataset_facts(prepared),
        "split": _split_facts(prepared, genres),
        "vote": vote,
        "seed": experiment.run.seed,
        "published": asdict(experiment.published) if experiment.published else None,
        "selection": _selection(experiment, trained.progress),
        "labels": list(labels),
        "parts": parts,
        "rejected": [_rejected(bad) for bad in prepared.rejected],
        "model": _model_facts(experiment, trained.model),
        "seconds": seconds,
    }
    save(run.model, trained.model, _card(run, experiment, prepared, parts["test"]))
    write_rows(run.history, trained.progress.history)
    _write_predictions(run, experiment, prepared, segments)
    from genrecls.explain.examples_per_genre import choose_examples, explain_examples
    from genrecls.reports.run import RunReport, write_report

    say("drawing the report")
    features, seconds_each = experiment.features, experiment.segment.length
    paths = {track.id: track.path for track in prepared.dataset.tracks}
    report = RunReport(
        name=run.name,
        metrics=metrics,
        history=trained.progress.history,
        mistakes=mistakes(by_track(segments["test"], vote), labels, paths),
        examples=choose_examples(prepared.parts["train"], labels, features.axes, seconds_each),
        evidence=explain_examples(
            trained.model, features, prepared.parts["test"], labels, seconds_each
        ),
        config_yaml=run.config.read_text(encoding="utf-8"),
        environment=run.read_environment(),
        command=str(run.state.get("command", "")),
    )
    write_report(run, report)
    write_json(run.metrics, metrics)


def predict_examples(model: keras.Model, examples: Examples, batch_size: int) -> Predictions:
    """Return the predictions of `model` for examples of known genre."""
    found = probabilities(model, examples, batch_size)
    return Predictions(examples.tracks, examples.starts, examples.targets, found)


def _write_predictions(
    run: Run, experiment: Experiment, prepared: PreparedData, segments: Mapping[Part, Predictions]
) -> None:
    labels = prepared.dataset.labels
    paths = {track.id: track.path for track in prepared.dataset.tracks}
    columns = [*PREDICTION_COLUMNS, *labels]
    split = f"{prepared.split.name}{leak_mark(prepared.leaks)}"
    tracks = {part: by_track(found, experiment.run.vote) for part, found in segments.items()}
    for path, level in (
        (run.predictions("segments"), segments),
        (run.predictions("tracks"), tracks),
    ):
        rows = [
            row
            for part, found in level.items()
            for row in prediction_rows((split, part), found, labels, paths)
        ]
        write_table(path, columns, rows)


def _part_facts(
    experiment: Experiment,
    labels: Sequence[str],
    segments: Mapping[Part, Predictions],
    genres: Mapping[Part, Mapping[str, Balance]],
) -> dict[Part, dict[str, Any]]:
    """Return the scores of each part, with those of always answering the majority of train."""
    vote, seed = experiment.run.vote, experiment.run.seed
    return {
        part: {
            **part_scores(found, labels, vote, seed),
            "baseline": majority_baselines(genres["train"], genres[part]),
        }
        for part, found in segments.items()
    }


def _dataset_facts(prepared: PreparedData) -> dict[str, Any]:
    dataset = prepared.dataset
    return {
        "name": dataset.name,
        "title": dataset.provenance.title,
        "generated": dataset.generated,
        "tracks": len(dataset.tracks),
        "fingerprint": prepared.fingerprint,
        "citation": dataset.provenance.citation,
        "licence": dataset.provenance.licence,
        "note": dataset.provenance.note,
    }


def _split_facts(
    prepared: PreparedData, genres: Mapping[Part, Mapping[str, Balance]]
) -> dict[str, Any]:
    counts = {
        part: {
            "tracks": len(set(examples.tracks)),
            "segments": len(examples),
            "genres": {unit: balance.by_genre() for unit, balance in genres[part].items()},
        }
        for part, examples in prepared.parts.items()
    }
    return {
        "name": prepared.split.name,
        "leaks": list(prepared.leaks),
        "caveat": prepared.caveat,
        "counts": counts,
        "unused": len(prepared.unused),
    }


def _selection(experiment: Experiment, progress: Progress) -> dict[str, Any]:
    trainer = experiment.trainer
    epoch = progress.best_epoch if trainer.keep == "best" else progress.epoch
    return {
        "epoch": epoch,
        "epochs": progress.epoch,
        "keep": trainer.keep,
        "monitor": f"validation {trainer.monitor}",
        "value": progress.history[epoch - 1][f"validation_{trainer.monitor}"],
    }


def _model_facts(experiment: Experiment, model: keras.Model) -> dict[str, Any]:
    costs = layer_costs(model)
    return {
        "name": experiment.model.name,
        "parameters": sum(cost.parameters for cost in costs),
        "macs": sum(cost.macs for cost in costs),
    }


def _card(
    run: Run, experiment: Experiment, prepared: PreparedData, test: dict[str, Any]
) -> ModelCard:
    return ModelCard(
        labels=prepared.dataset.labels,
        features=experiment.features,
        segment=experiment.segment,
        vote=experiment.run.vote,
        run=run.name,
        dataset=prepared.dataset.name,
        split=prepared.split.name,
        leaks=prepared.leaks,
        generated=prepared.dataset.generated,
        test=test,
    )


def _rejected(bad: Any) -> dict[str, str]:
    return {"track": bad.track, "path": str(bad.path), "code": bad.code, "detail": bad.detail}
