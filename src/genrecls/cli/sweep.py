"""`genrecls sweep`: many trainings, each in its own process, and one table at the end."""

from __future__ import annotations

from collections.abc import Sequence

from genrecls.cli.arguments import parser_of
from genrecls.config.plugins import command_line
from genrecls.sweeps.settings import SweepArguments, read_arguments


def main(words: Sequence[str]) -> int:
    """Train everything that the words describe, or search, even if single trainings fail."""
    arguments = parse(words)
    if arguments.search is not None:
        from genrecls.sweeps.search.runner import search

        search(arguments)
    else:
        from genrecls.sweeps.sweep import require_success, sweep

        require_success(sweep(arguments))
    return 0


def parse(words: Sequence[str]) -> SweepArguments:
    """Return what the words behind `genrecls sweep` ask for.

    Raises:
        ConfigError: a flag or a word that a sweep does not take.
    """
    options = parser_of("sweep").read(words)
    command = command_line("sweep", words)
    return read_arguments(options.overrides, options.config_dir, command)
