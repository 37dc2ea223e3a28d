"""`genrecls data cache`: what was computed once and is kept."""

from __future__ import annotations

import argparse
from itertools import chain

from genrecls.config.compose import compose
from genrecls.config.paths import data_root_of
from genrecls.console import say, show
from genrecls.errors import ConfigError
from genrecls.reports.tables import Column, Table


def main(options: argparse.Namespace) -> int:
    """List what is cached, or delete some of it."""
    from genrecls.features.cache import cache_root, describe, prune
    from genrecls.training.frozen_outputs import backbone_root

    if options.older is not None and not options.older >= 0:
        raise ConfigError(f"--older: received {options.older:g}; allowed: a number of days from 0")
    data_root = data_root_of(compose("data", options.overrides))
    roots = (cache_root(data_root), backbone_root(data_root))
    per_root = (prune(root, options.older) if options.prune else describe(root) for root in roots)
    folders = [one for one in chain.from_iterable(per_root) if one.is_older(options.older)]
    rows = [
        (
            folder.summary,
            str(folder.entries),
            f"{folder.size / 1e6:.1f}",
            f"{folder.last_used:%Y-%m-%d %H:%M}",
            folder.key,
        )
        for folder in folders
    ]
    numbers = (Column("entries", "number"), Column("MB", "number"))
    columns = ("features", *numbers, Column("last used (UTC)", spare=1), Column("key", spare=2))
    if rows:
        show(Table(columns, rows).to_terminal())
    verb = "deleted" if options.prune else "cached"
    size = sum(folder.size for folder in folders) / 1e6
    say(f"{len(folders)} kinds of features {verb}, {size:.1f} MB, in {roots[0].parent.absolute()}")
    return 0
