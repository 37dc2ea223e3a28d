"""`genrecls ensemble`: finished runs averaged into one."""

from __future__ import annotations

from collections.abc import Sequence

from genrecls.cli.arguments import parser_of
from genrecls.config.plugins import command_line
from genrecls.console import show
from genrecls.errors import ConfigError
from genrecls.runs.find import point_latest, runs_of_models


def main(words: Sequence[str]) -> int:
    """Average the runs that the words name, and show the scores."""
    options = parser_of("ensemble").read(words)
    if not options.words:
        raise ConfigError("ensemble: expected runs; 'genrecls runs' lists them")
    runs = runs_of_models(options.output_root, options.words)
    from genrecls.cli.run_summary import summary
    from genrecls.experiment.ensemble import ensemble

    run = ensemble(runs, command_line("ensemble", words))
    point_latest(run)
    show(summary(run))
    return 0
