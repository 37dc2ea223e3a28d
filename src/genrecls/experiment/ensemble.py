"""Finished runs as one: their probabilities averaged, scored and reported like those of a run."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from genrecls.comparison.config_diff import model_of, settings_of, split_of
from genrecls.console import log_file, say
from genrecls.environment import environment
from genrecls.errors import RunError
from genrecls.evaluation.metrics import scores
from genrecls.evaluation.prediction_tables import mistakes
from genrecls.evaluation.predictions import held_out_answers
from genrecls.experiment.evaluate import PartPredictions, average_part, write_predictions
from genrecls.files.hashing import text_digest
from genrecls.files.tables import write_json, write_yaml
from genrecls.models.cost import ModelCost
from genrecls.runs.ensemble_card import (
    ENSEMBLE,
    EnsembleCard,
    Member,
    check_members,
    write_ensemble,
)
from genrecls.runs.metrics import PartMetrics, RunMetrics, Selection, united
from genrecls.runs.record import RunRecord, read
from genrecls.runs.result_tables import as_predictions, read_predictions
from genrecls.runs.run import Run
from genrecls.runtime.abstention import HeldOutAnswers
from genrecls.splits.base import EVALUATED_PARTS, EvaluatedPart, Part

NAME = "ensemble"


def ensemble(runs: Sequence[Run], command: str) -> Run:
    """Average finished runs of one split into a run of its own, beside them.

    Args:
        runs: at least two, of any family, features and segments.
        command: the command line that does the same, kept in the run.

    Returns:
        The run of the ensemble; one of the same members is found and not made again.

    Raises:
        RunError: a run is not finished or is an ensemble itself, the runs lie in different folders,
            differ in data, genres or tested tracks, or two have the same model.
    """
    from genrecls.reports.run import RunReport, write_report

    started = time.monotonic()
    members = sorted({run.folder.resolve(): run for run in runs}.values(), key=lambda r: r.name)
    _check_folders(members)
    records = [read(run) for run in members]
    _check_alike(members, records)
    digests = tuple(Member.of(run.model_file) for run in members)
    try:
        check_members(digests)
    except ValueError as error:
        raise RunError(f"an ensemble: {error}; name it once") from None
    text = json.dumps([asdict(member) for member in digests])
    config = _config(records)
    title = (records[0].metrics.dataset.name, config["features"]["name"], NAME)
    digest = text_digest(text, 8)
    run = Run(members[0].folder.parent / "-".join((*title, digest)))
    with run.locked():
        if run.finished:
            say(f"this ensemble is there already ({run.name})")
            return run
        run.folder.mkdir(parents=True, exist_ok=True)
        with log_file(run.log_file), run.recorded(command):
            say(f"run {run.name}: {', '.join(member.name for member in members)}")
            first = records[0]
            labels = first.metrics.labels
            lengths = [float(record.config["segment"]["length"]) for record in records]
            predictions: dict[Part, PartPredictions] = {}
            parts: dict[EvaluatedPart, PartMetrics] = {}
            paths: dict[str, Path] = {}
            for part in EVALUATED_PARTS:
                answers = [_recorded(member, labels, part) for member in members]
                predictions[part] = average_part([each for each, _ in answers], lengths, "mean")
                paths |= answers[0][1]
                parts[part] = _scores(predictions[part], first, part)
            seconds = {"evaluation": round(time.monotonic() - started, 2)}
            metrics = _metrics(records, parts, seconds)
            held_out: dict[str, HeldOutAnswers] = {
                part: held_out_answers(part, its.tracks) for part, its in predictions.items()
            }
            card = EnsembleCard(
                labels=labels,
                vote="mean",
                run=run.name,
                dataset=metrics.dataset.name,
                split=metrics.split.name,
                leaks=metrics.split.leaks,
                generated=metrics.dataset.generated,
                test=asdict(metrics.test),
                members=digests,
                pretraining=metrics.model.pretraining,
                held_out=asdict(held_out["validation"]),
            )
            write_ensemble(run.folder / ENSEMBLE, card)
            write_yaml(run.config_file, config)
            write_json(run.environment_file, environment())
            files = {level: run.predictions_file(level) for level in ("segments", "tracks")}
            artists = {**first.answers["validation"].artists, **first.answers["test"].artists}
            write_predictions(files, metrics, predictions, paths, artists)
            report = RunReport(
                name=run.name,
                metrics=metrics,
                mistakes=mistakes(predictions["test"].tracks, labels, paths),
                config_yaml=run.config_file.read_text(encoding="utf-8"),
                environment=run.read_environment(),
                command=command,
                answers=held_out,
            )
            write_report(run, report)
            write_json(run.metrics_file, metrics.to_json())
    return run


def _recorded(
    run: Run, labels: Sequence[str], part: EvaluatedPart
) -> tuple[PartPredictions, dict[str, Path]]:
    """Return what a run has recorded of its answers to a part, and the file of each track."""
    segments = read_predictions(run.predictions_file("segments"), part, labels)
    tracks = read_predictions(run.predictions_file("tracks"), part, labels)
    predictions = PartPredictions(as_predictions(segments, labels), as_predictions(tracks, labels))
    return predictions, {example.track: Path(example.path) for example in tracks}


def _check_folders(members: Sequence[Run]) -> None:
    if len(members) < 2:
        raise RunError(f"an ensemble: expected at least two runs, received {len(members)}")
    folders = {member.folder.parent for member in members}
    if len(folders) > 1:
        raise RunError(
            "an ensemble: expected runs of one folder, beside which it is put, received some of "
            f"{' and '.join(sorted(map(str, folders)))}; copy them into one"
        )
    for member in members:
        if member.is_ensemble:
            raise RunError(f"run {member.name} is an ensemble itself; name its runs instead")


def _check_alike(members: Sequence[Run], records: Sequence[RunRecord]) -> None:
    """Refuse runs whose probabilities cannot be averaged, or not without having seen a test."""
    first = records[0]
    for run, other in zip(members[1:], records[1:], strict=True):
        pair = f"runs {first.name} and {other.name}"
        if first.metrics.dataset.fingerprint != other.metrics.dataset.fingerprint:
            raise RunError(f"{pair} were trained on different data; an ensemble is of one data set")
        if first.metrics.labels != other.metrics.labels:
            raise RunError(f"{pair} have different genres; an ensemble needs the same ones")
        for part in EVALUATED_PARTS:
            if first.answers[part].truth != other.answers[part].truth:
                raise RunError(
                    f"{pair} have different {part} tracks; an ensemble needs the same split, fold "
                    "and split.seed, or tracks that one has learnt from would test it"
                    + _way_out(run, first.config, other.config)
                )


def _way_out(run: Run, first: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Return how to train `run` on the split of the first, where only seeds made it another one.

    Args:
        run: to be trained again.
        first: the configuration of the run whose split it is to have.
        config: that of `run`.
    """
    wanted, received = split_of(first), split_of(config)
    if wanted["seed"] == received["seed"] or {**wanted, "seed": None} != {**received, "seed": None}:
        return ""
    words = shlex.split(str(run.state.get("command") or "genrecls train"))
    words = [word for word in words if not word.startswith("split.seed=")]
    words.append(f"split.seed={wanted['seed']}")
    return f"; to train {run.name} so: {shlex.join(words)}"


def _scores(predictions: PartPredictions, first: RunRecord, part: EvaluatedPart) -> PartMetrics:
    labels, artists = first.metrics.labels, first.answers[part].artists
    return PartMetrics(
        segment=scores(predictions.segments, labels, artists),
        track=scores(predictions.tracks, labels, artists),
        baseline=first.metrics.parts[part].baseline,
    )


def _metrics(
    records: Sequence[RunRecord],
    parts: dict[EvaluatedPart, PartMetrics],
    seconds: dict[str, float],
) -> RunMetrics:
    every = [record.metrics for record in records]
    caveats = dict.fromkeys(metrics.split.caveat for metrics in every if metrics.split.caveat)
    return replace(
        every[0],
        split=replace(united([each.split for each in every]), caveat="; ".join(caveats)),
        vote="mean",
        published=None,
        # Nothing is trained: there is no epoch.
        selection=Selection(
            epoch=0,
            epochs=0,
            keep="last",
            monitor="none",
            value=0.0,
            refit=any(metrics.selection.refit for metrics in every),
        ),
        parts=parts,
        model=ModelCost(
            NAME,
            parameters=sum(metrics.model.parameters for metrics in every),
            macs=sum(metrics.model.macs for metrics in every),
            pretraining=", ".join(
                dict.fromkeys(m.model.pretraining for m in every if m.model.pretraining)
            ),
        ),
        seconds=seconds,
    )


def _config(records: Sequence[RunRecord]) -> dict[str, Any]:
    """Return the configuration: what the runs share, and in the place of a model, who they are.

    A member is named by its model and features, with a digest of all its settings but seed and
    fold: ensembles of equal members on several folds are one system in a comparison.
    """
    configs = [record.config for record in records]
    members = []
    for config in configs:
        settings = json.dumps(settings_of(config), sort_keys=True, default=str)
        digest = text_digest(settings, 8)
        members.append(f"{model_of(config)} {config['features']['name']} {digest}")
    shared = {
        key: configs[0][key]
        for key in ("segment", "features", "trainer", "augment")
        if all(config.get(key) == configs[0].get(key) for config in configs) and key in configs[0]
    }
    first = {key: configs[0][key] for key in ("dataset", "split", "seed")}
    model = {"name": NAME, "preset": None, "members": sorted(members)}
    return {"features": {"name": "several"}, **shared, **first, "model": model, "vote": "mean"}
