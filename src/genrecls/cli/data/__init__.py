"""`genrecls data`: what data sets there are, how to get one, and whether it can be trusted."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from genrecls.cli.data import cache, catalogue, download, split_report, verify
from genrecls.errors import ConfigError
from genrecls.runtime.parser import Parser

_ACTIONS = (catalogue, download, verify, split_report, cache)


def main(words: Sequence[str]) -> int:
    """Do what the first word says."""
    # In two steps, so that flags and overrides may be mixed.
    options, overrides = _parser().parse_known_args(words)
    for word in overrides:
        if word.startswith("-"):
            raise ConfigError(f"unknown flag {word}; see 'genrecls data {words[0]} --help'")
    action: Callable[[argparse.Namespace, list[str]], int] = options.action
    return action(options, [*options.overrides, *overrides])


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = Parser(prog="genrecls data", description=__doc__)
    names = "list|info|download|verify|split-report|cache"
    actions = parser.add_subparsers(required=True, metavar=names)
    for module in _ACTIONS:
        module.add_to(actions)
    return parser
