"""`genrecls evaluate`: the scores of a finished run, computed again from its model and data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genrecls.atomic import write_json
from genrecls.commands.summary import describe, score_table
from genrecls.config.compose import run_hydra
from genrecls.config.experiment import Experiment, parse
from genrecls.config.schema import Schema
from genrecls.config.validation import validate
from genrecls.console import say, show
from genrecls.errors import RunError
from genrecls.evaluation.predictions import Vote
from genrecls.runs import Run, find_run
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
    run_hydra("evaluate", [_as_override(word) for word in words], _task)
    return 0


def _as_override(word: str) -> str:
    """Return a bare word as `run=<word>`; quoted, for a path may hold Hydra's own characters."""
    if "=" in word or word.startswith("-"):
        return word
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"run='{escaped}'"


def _task(composed: dict[str, Any]) -> None:
    evaluate(validate(EvaluateSettings, composed, ""))


def evaluate(settings: EvaluateSettings) -> dict[str, Any]:
    """Evaluate, print the scores and keep them beside the run's own as `evaluation-<part>.json`.

    Raises:
        RunError: no such run, or its data are not what it was trained on.
    """
    run = find_run(Path(settings.output_root).expanduser(), settings.run)
    recorded = run.read_metrics()
    experiment = _experiment(run, settings)
    dataset = experiment.dataset.load(experiment.data_root)
    from genrecls.evaluation.results import part_scores
    from genrecls.features.cache import cache_root
    from genrecls.features.extraction import fingerprint
    from genrecls.modelfile import load
    from genrecls.pipeline import prepare
    from genrecls.results import predict_examples

    _check_same_data(run, recorded, fingerprint(dataset, cache_root(experiment.data_root)))
    model, card = load(run.model)
    prepared = prepare(experiment, dataset)
    examples = prepared.parts[settings.part]
    found = predict_examples(model, examples, experiment.trainer.batch_size)
    vote: Vote = settings.vote or card.vote
    scores = part_scores(found, card.labels, vote, experiment.run.seed)
    path = run.folder / f"evaluation-{settings.part}.json"
    facts = {"run": run.name, "dataset": recorded["dataset"], "split": recorded["split"]}
    write_json(path, {**facts, "part": settings.part, "vote": vote, **scores})
    columns = [(str(settings.part), unit) for unit in ("segment", "track")]
    show(f"{run.name}\n{describe(recorded)}, vote {vote}")
    show(score_table({str(settings.part): scores}, columns))
    say(f"written to {path}")
    return scores


def _experiment(run: Run, settings: EvaluateSettings) -> Experiment:
    import yaml

    try:
        values = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise RunError(f"{run.config}: cannot be read ({error}); train again") from None
    values["data_root"] = settings.data_root
    if settings.dataset_root is not None:
        values["dataset"]["root"] = settings.dataset_root
    return parse(values)


def _check_same_data(run: Run, recorded: dict[str, Any], found: str) -> None:
    if recorded["dataset"].get("fingerprint") != found:
        raise RunError(
            f"run {run.name}: the data are not those that it was trained on (files, genres, "
            "artists or published parts differ), so their parts would not be its parts; point to "
            "the right ones with dataset_root=<folder>, or train on these"
        )
