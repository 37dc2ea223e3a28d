"""`genrecls refit`: the settings of finished runs trained on all tracks, as a model to use."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from genrecls.cli.arguments import parser_of
from genrecls.console import say, show
from genrecls.errors import ConfigError
from genrecls.runs.find import runs_of_models


def main(words: Sequence[str]) -> int:
    """Train, write the files that the runs were exported in, and say what they are worth."""
    options = parser_of("refit").read(words)
    if not options.words:
        raise ConfigError("refit: expected runs; 'genrecls runs' lists them")
    runs = {run.name: run for run in runs_of_models(options.output_root, options.words)}
    from genrecls.experiment.refit import refit
    from genrecls.export.refit import export_refit
    from genrecls.runs.export_facts import export_file
    from genrecls.runtime.description import ModelDescription

    result = refit(
        [*runs.values()],
        options.name,
        data_root=str(options.data_root),
    )
    show(str(ModelDescription.of(vars(result.card))))
    say(f"model in {result.file}")
    if any(export_file(run).is_file() for run in result.runs):
        for file in export_refit(result):
            say(f"{file.file}: {file.bytes:,} bytes")
    else:
        say("the runs have no exported files, so none are made here; export them, then repeat this")
    say(f"to use it: {shlex.join(['genrecls', 'predict', str(result.file), 'song.mp3'])}")
    return 0
