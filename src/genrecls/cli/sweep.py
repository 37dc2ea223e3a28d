"""`genrecls sweep`: many trainings, each in its own process, and one table at the end."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from genrecls.errors import ConfigError
from genrecls.runtime.parser import Parser
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
    parser = Parser(prog="genrecls sweep", add_help=False, allow_abbrev=False)
    parser.add_argument("-m", "--multirun", action="store_true")
    parser.add_argument("-cd", "--config-dir")
    options, rest = parser.parse_known_args(list(words))
    for word in rest:
        if word.startswith("-"):
            raise ConfigError(
                f"{word}: a sweep takes the flags -m and -cd FOLDER only; dry_run=true prints its "
                "plan, and 'genrecls train' has other flags"
            )
    command = f"genrecls sweep {shlex.join(words)}".strip()
    return read_arguments(rest, options.config_dir, command)
