"""`genrecls ensemble`: finished runs averaged into one."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from genrecls.cli.verbs import parser_of
from genrecls.console import show
from genrecls.errors import ConfigError
from genrecls.runs.run import Run, find_runs, is_pattern


def main(words: Sequence[str]) -> int:
    """Average the runs that the words name, and show the scores."""
    options = parser_of("ensemble").read(words)
    if not options.words:
        raise ConfigError("ensemble: expected runs; 'genrecls runs' lists them")
    runs = list[Run]()
    for word in options.words:
        matching = find_runs(options.output_root, word)
        if is_pattern(options.output_root, word):
            # A pattern means the runs that can be averaged.
            matching = [run for run in matching if run.finished and not run.is_ensemble]
        runs += matching
    from genrecls.cli.run_summary import summary
    from genrecls.experiment.ensemble import ensemble

    run = ensemble(runs, shlex.join(["genrecls", "ensemble", *words]))
    run.point_latest()
    show(summary(run))
    return 0
