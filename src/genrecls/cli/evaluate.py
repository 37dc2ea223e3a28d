"""`genrecls evaluate`: the scores of a finished run, computed again from its model and data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genrecls.cli.run_summary import describe, score_table
from genrecls.config.compose import run_hydra
from genrecls.config.overrides import run_named
from genrecls.config.schema import Schema
from genrecls.config.validation import validate
from genrecls.console import say, show
from genrecls.dsp.votes import Vote
from genrecls.experiment.restore import restore
from genrecls.files.tables import write_json
from genrecls.runs.run import find_run
from genrecls.splits.base import Part


@dataclass(frozen=True)
class EvaluateSettings(Schema):
    """The keys of `conf/evaluate.yaml`, which says what each is for."""

    run: str | None
    part: Part
    vote: Vote | None
    dataset_root: str | None
    data_root: str
    output_root: str


def main(words: Sequence[str]) -> int:
    """Evaluate the run that the first bare word names, or the newest finished one."""
    run_hydra("evaluate", run_named(words), _task)
    return 0


def _task(composed: dict[str, Any]) -> None:
    evaluate(validate(EvaluateSettings, composed, ""))


def evaluate(settings: EvaluateSettings) -> dict[str, Any]:
    """Evaluate, print the scores and keep them beside the run's own as `evaluation-<part>.json`.

    Raises:
        RunError: no such run, or its data are not what it was trained on.
    """
    run = find_run(Path(settings.output_root).expanduser(), settings.run)
    reopened = restore(run, settings.data_root, settings.dataset_root)
    from genrecls.evaluation.class_balance import balances, majority_baselines
    from genrecls.evaluation.prediction_tables import part_scores
    from genrecls.experiment.evaluate import predict_examples
    from genrecls.experiment.prepare import prepare
    from genrecls.runs.model_file import load

    experiment, recorded = reopened.experiment, reopened.metrics
    model, card = load(run.model)
    prepared = prepare(experiment, reopened.dataset)
    examples = prepared.parts[settings.part]
    found = predict_examples(model, examples, experiment.trainer.batch_size)
    vote: Vote = settings.vote or card.vote
    scores = part_scores(found, card.labels, vote, experiment.run.seed)
    genres = {p: balances(e.tracks, e.targets, card.labels) for p, e in prepared.parts.items()}
    scores["baseline"] = majority_baselines(genres["train"], genres[settings.part])
    path = run.folder / f"evaluation-{settings.part}.json"
    facts = {"run": run.name, "dataset": recorded["dataset"], "split": recorded["split"]}
    write_json(path, {**facts, "part": settings.part, "vote": vote, **scores})
    columns = [(str(settings.part), unit) for unit in ("segment", "track")]
    show(f"{run.name}\n{describe(recorded)}, vote {vote}")
    show(score_table({str(settings.part): scores}, columns))
    say(f"written to {path}")
    return scores
