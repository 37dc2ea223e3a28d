"""`genrecls data`: what data sets there are, how to get one, and whether it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

from genrecls.cli.data.arguments import data_parser
from genrecls.cli.verbs import ACTIONS
from genrecls.errors import ConfigError, nearest


def main(words: Sequence[str]) -> int:
    """Do what the first word says."""
    action = words[0] if words else ""
    if not action:
        raise ConfigError(f"genrecls data: expected an action: {', '.join(ACTIONS)}")
    if action not in ACTIONS:
        raise ConfigError(
            f"unknown action '{action}' of 'genrecls data'; allowed: {', '.join(ACTIONS)}"
            f"{nearest(action, ACTIONS)}"
        )
    options = data_parser(action).read(words[1:])
    if action in {"list", "info"}:
        from genrecls.cli.data import catalogue

        show = catalogue.list_datasets if action == "list" else catalogue.show_dataset
        return show(options.overrides)
    if action == "download":
        from genrecls.cli.data import download

        return download.main(options)
    if action == "verify":
        from genrecls.cli.data import verify

        return verify.main(options)
    if action == "split-report":
        from genrecls.cli.data import split_report

        return split_report.main(options)
    from genrecls.cli.data import cache

    return cache.main(options)
