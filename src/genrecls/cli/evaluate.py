"""`genrecls evaluate`: the scores of a finished run, computed again from its model and data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from genrecls.cli.arguments import parser_of
from genrecls.cli.parser import run_overrides, show_configuration
from genrecls.cli.run_summary import describe, score_table
from genrecls.config.compose import compose
from genrecls.config.paths import expanded
from genrecls.config.schema import Schema
from genrecls.config.validation import validate
from genrecls.console import say, show
from genrecls.dsp.votes import Vote
from genrecls.errors import ConfigError
from genrecls.runs.find import find_run
from genrecls.runs.run import Run
from genrecls.splits.base import EvaluatedPart, Part


@dataclass(frozen=True)
class EvaluateSettings(Schema):
    """The keys of `conf/evaluate.yaml`, which says what each is for."""

    run: str | None
    part: Part
    vote: Vote | None
    robustness: Literal["standard"] | None
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
    if settings.robustness and settings.part == "train":
        raise ConfigError("part: received train; robustness= takes validation or test")
    run = find_run(expanded(settings.output_root, "output_root"), settings.run)
    if settings.robustness:
        return _show_robustness(run, settings)
    from genrecls.experiment.evaluate import evaluate

    result = evaluate(run, settings.part, settings.vote, settings.data_root, settings.dataset_root)
    show(f"{run.name}\n{describe(result.recorded)}, vote {result.vote}")
    show(score_table({result.part: result.scores}).to_terminal())
    say(f"written to {result.file}")
    return 0


def _show_robustness(run: Run, settings: EvaluateSettings) -> int:
    from genrecls.experiment.robustness import evaluate_robustness
    from genrecls.reports.robustness import robustness_table
    from genrecls.reports.run import add_robustness
    from genrecls.reports.scope import Scope

    part: EvaluatedPart = "validation" if settings.part == "validation" else "test"
    places = settings.data_root, settings.dataset_root
    result = evaluate_robustness(run, part, settings.vote, *places)
    scope = Scope.of(result.recorded, part, "track")
    figure = add_robustness(run, result.scores, scope)
    show(f"{run.name}\n{describe(result.recorded)}, vote {result.vote}")
    show(robustness_table(result.scores, f"robustness, {scope.counted}").to_terminal())
    say(f"written to {result.file}, {figure} and {run.report_file}")
    return 0
