"""`genrecls evaluate`: the scores of a finished run, computed again from its model and data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genrecls.cli.parser import run_overrides, show_configuration
from genrecls.cli.run_summary import describe, score_table
from genrecls.cli.verbs import parser_of
from genrecls.config.compose import compose
from genrecls.config.schema import Schema
from genrecls.config.validation import validate
from genrecls.console import say, show
from genrecls.dsp.votes import Vote
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
    """Evaluate the run that the plain word names, or the newest on real music."""
    options = parser_of("evaluate").read(words)
    options.overrides += run_overrides(options.words)
    if show_configuration("evaluate", options):
        return 0
    composed = compose("evaluate", options.overrides, options.config_dir, options.config_name)
    settings = validate(EvaluateSettings, composed, "")
    run = find_run(Path(settings.output_root), settings.run)
    from genrecls.experiment.evaluate import evaluate

    result = evaluate(run, settings.part, settings.vote, settings.data_root, settings.dataset_root)
    show(f"{run.name}\n{describe(result.recorded)}, vote {result.vote}")
    show(score_table({result.part: result.scores}).to_terminal())
    say(f"written to {result.file}")
    return 0
