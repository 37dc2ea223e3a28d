"""What a model answers, and what that is worth: predictions and scores of the parts of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genrecls.console import several
from genrecls.dsp.votes import Vote, check_probabilities
from genrecls.errors import ModelFileError, RunError
from genrecls.evaluation.averages import average
from genrecls.evaluation.class_balance import balances, majority_baselines
from genrecls.evaluation.metrics import scores
from genrecls.evaluation.prediction_tables import (
    ARTIST,
    PREDICTION_COLUMNS,
    prediction_rows,
)
from genrecls.evaluation.predictions import Predictions, by_track
from genrecls.experiment.experiment import Experiment
from genrecls.experiment.prepare import PreparedData, prepare
from genrecls.files.tables import write_json, write_table
from genrecls.models.cost import ModelCost
from genrecls.runs.ensemble_card import read_ensemble
from genrecls.runs.metrics import (
    REFITTED,
    DatasetFacts,
    PartCounts,
    PartMetrics,
    RejectedFile,
    RunMetrics,
    Selection,
    SplitFacts,
)
from genrecls.runs.run import Run
from genrecls.runtime.formats import PROBABILITY
from genrecls.splits.base import EvaluatedPart, Part
from genrecls.training.data import Examples
from genrecls.training.loop import probabilities

if TYPE_CHECKING:
    import keras

    from genrecls.training.stages import TrainingResult


@dataclass(frozen=True)
class PartPredictions:
    """What a model answers to one part: to its segments, and to its tracks by their vote."""

    segments: Predictions
    tracks: Predictions


def predict_part(
    model: keras.Model, examples: Examples, batch_size: int, vote: Vote
) -> PartPredictions:
    """Return the predictions of `model` for examples of known genre."""
    segments = Predictions(
        tracks=examples.tracks,
        starts=examples.starts,
        truth=examples.targets,
        probabilities=probabilities(model, examples, batch_size),
    )
    return PartPredictions(segments, by_track(segments, vote))


def score_part(
    predictions: PartPredictions, train: Examples, labels: Sequence[str], artists: Mapping[str, str]
) -> PartMetrics:
    """Return the scores of one part, with those of always answering the majority of train.

    Args:
        predictions: of the part.
        train: the train part, which alone decides what the majority is.
        labels: genres in the order of the class indices.
        artists: artist of each track id where the split kept artists apart; else empty.
    """
    segments = predictions.segments
    return PartMetrics(
        segment=scores(segments, labels, artists),
        track=scores(predictions.tracks, labels, artists),
        baseline=majority_baselines(
            balances(train.tracks, train.targets, labels),
            balances(segments.tracks, segments.truth, labels),
        ),
    )


def run_metrics(
    experiment: Experiment,
    data: PreparedData,
    result: TrainingResult,
    parts: Mapping[EvaluatedPart, PartMetrics],
    *,
    fingerprint: str,
) -> RunMetrics:
    """Return the metrics of a training, with all that must be said beside its scores.

    Args:
        experiment: what was asked for.
        data: what it was trained and tested on.
        result: the trained network and how it came about.
        parts: scores of the evaluated parts.
        fingerprint: digest of the data.
    """
    dataset, progress, trainer = data.dataset, result.progress, experiment.trainer
    epoch = result.kept_epoch
    return RunMetrics(
        dataset=DatasetFacts(
            name=dataset.name,
            title=dataset.provenance.title,
            generated=dataset.generated,
            tracks=len(dataset.tracks),
            fingerprint=fingerprint,
            citation=dataset.provenance.citation,
            licence=dataset.provenance.licence,
            note=dataset.provenance.note,
        ),
        split=SplitFacts(
            name=data.split.name,
            leaks=data.leaks,
            caveat="; ".join(filter(None, (data.caveat, REFITTED if trainer.refit else ""))),
            counts={
                part: _count(examples, dataset.labels) for part, examples in data.parts.items()
            },
            unused=len(data.unused),
        ),
        vote=experiment.run.vote,
        seed=experiment.run.seed,
        published=experiment.published,
        selection=Selection(
            epoch=epoch,
            epochs=progress.epoch,
            keep=trainer.keep,
            monitor=f"validation {trainer.monitor}",
            value=progress.history[epoch - 1][f"validation_{trainer.monitor}"],
            settings=result.settings,
            temperature=result.temperature,
            refit=trainer.refit,
            int8_epochs=trainer.int8_epochs,
        ),
        labels=dataset.labels,
        parts=parts,
        rejected=tuple(
            RejectedFile(file.track, str(file.path), file.code, file.detail)
            for file in data.rejected
        ),
        model=ModelCost.of(experiment.model.title, result.model, data.pretraining),
        seconds={stage: round(spent, 2) for stage, spent in result.seconds.items()},
    )


def _count(examples: Examples, labels: Sequence[str]) -> PartCounts:
    return PartCounts(
        tracks=len(set(examples.tracks)),
        segments=len(examples),
        genres={
            unit: balance.by_genre()
            for unit, balance in balances(examples.tracks, examples.targets, labels).items()
        },
    )


def write_predictions(
    files: Mapping[str, Path],
    metrics: RunMetrics,
    parts: Mapping[Part, PartPredictions],
    paths: Mapping[str, Path],
    artists: Mapping[str, str],
) -> None:
    """Write the predictions of segments and of tracks, a row each.

    Args:
        files: where those of `segments` and of `tracks` go.
        metrics: of the run, for the labels and the name of the split.
        parts: predictions by part.
        paths: file of each track id.
        artists: artist of each track id, where the split keeps artists apart; else empty.
    """
    levels: dict[Path, dict[Part, Predictions]] = {
        files["segments"]: {part: its.segments for part, its in parts.items()},
        files["tracks"]: {part: its.tracks for part, its in parts.items()},
    }
    for path, level in levels.items():
        rows = [
            row
            for part, predictions in level.items()
            for row in prediction_rows(
                (metrics.split.title, part), predictions, metrics.labels, paths, artists
            )
        ]
        genres = (f"{PROBABILITY}{label}" for label in metrics.labels)
        write_table(path, [*PREDICTION_COLUMNS, ARTIST, *genres], rows)


def average_part(
    predictions: Sequence[PartPredictions], lengths: Sequence[float], vote: Vote
) -> PartPredictions:
    """Return the mean of what several models say of one part.

    Args:
        predictions: of each model.
        lengths: seconds of a segment of each.
        vote: `mean` averages what the models say of tracks; by `majority` the averaged segments of
            a track decide.
    """
    segments = average([each.segments for each in predictions], lengths)
    if vote == "majority":
        return PartPredictions(segments, by_track(segments, vote))
    tracks = average([each.tracks for each in predictions], [0.0] * len(predictions))
    return PartPredictions(segments, tracks)


@dataclass(frozen=True)
class Evaluation:
    """A part of a finished run, evaluated again.

    Attributes:
        recorded: metrics that the run itself wrote.
        vote: how segments of a track were put together now.
        file: where the scores are kept.
    """

    recorded: RunMetrics
    part: Part
    vote: Vote
    scores: PartMetrics
    file: Path


def evaluate(
    run: Run, part: Part, vote: Vote | None, data_root: str, dataset_root: str | None
) -> Evaluation:
    """Score a part of a finished run again, from its model and data.

    Scores and predictions are kept in the run folder, those of each vote by themselves.

    Args:
        run: the run.
        part: the part to score.
        vote: how segments of a track are put together; None as in the training.
        data_root: where data sets and the feature cache live now.
        dataset_root: where the data set is now, if it was moved.

    Raises:
        RunError: the run is not finished, its data are not what it was trained on, it has learnt
            from its validation part, or its members have different tracks in the part.
        DataError: the data are not there.
        ModelFileError: its model cannot be read, or does not answer as a classifier.
    """
    recorded = run.read_metrics()
    recorded.require_unlearnt(run.name, part)
    vote = vote or recorded.vote
    members = [run]
    if run.is_ensemble:
        files = read_ensemble(run.model_file).model_files(run.model_file)
        members = [Run(file.parent) for file in files]
    # Rows, artists and the baseline are those of the first member, as when it was made.
    data, predictions, length = _answer_again(members[0], part, vote, data_root, dataset_root)
    answers, lengths = [predictions], [length]
    for member in members[1:]:
        of_member, predictions, length = _answer_again(member, part, vote, data_root, dataset_root)
        if differing := {*data.parts[part].tracks} ^ {*of_member.parts[part].tracks}:
            raise RunError(
                f"run {run.name}: expected the same {part} tracks in all its runs, received "
                f"{several(len(differing), 'track')} that {members[0].name} and {member.name} do "
                "not share; evaluate these runs by themselves"
            )
        answers.append(predictions)
        lengths.append(length)
    predictions = average_part(answers, lengths, vote) if run.is_ensemble else answers[0]
    scores = score_part(predictions, data.parts["train"], recorded.labels, data.artists_apart)
    name = f"evaluation-{part}{'' if vote == recorded.vote else f'-{vote}'}"
    tables = {level: run.folder / f"{name}-{level}.csv" for level in ("segments", "tracks")}
    paths = {track.id: track.path for track in data.dataset.tracks}
    write_predictions(tables, recorded, {part: predictions}, paths, data.artists_apart)
    file = run.folder / f"{name}.json"
    facts = {"dataset": asdict(recorded.dataset), "split": asdict(recorded.split)}
    write_json(file, {"run": run.name, **facts, "part": part, "vote": vote, **asdict(scores)})
    return Evaluation(recorded, part, vote, scores, file)


def _answer_again(
    run: Run, part: Part, vote: Vote, data_root: str, dataset_root: str | None
) -> tuple[PreparedData, PartPredictions, float]:
    """Return the data of a run, what its model answers to a part, and the seconds of a segment."""
    from genrecls.experiment.restore import ensure_parts_of, restore
    from genrecls.runs.model_file import load

    restored = restore(run, data_root, dataset_root)
    model, card = load(run.model_file)
    data = prepare(restored.experiment, restored.dataset, restored.store)
    ensure_parts_of(restored, data)
    predictions = predict_part(
        model, data.parts[part], restored.experiment.trainer.batch_size, vote
    )
    try:
        check_probabilities(predictions.segments.probabilities, len(card.labels))
    except ModelFileError as error:
        raise ModelFileError(f"{run.model_file}: {error}") from None
    return data, predictions, card.segment.length
