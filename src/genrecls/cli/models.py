"""`genrecls models`: the models that there are without a training, and the card of one."""

from __future__ import annotations

import json
from collections.abc import Sequence

from genrecls.cli.arguments import parser_of
from genrecls.console import show
from genrecls.errors import ConfigError, nearest
from genrecls.inference.tagger import TAGGERS
from genrecls.reports.models import card_tables, models_table, shipped_facts, tagger_facts
from genrecls.shipped.models import names, read_card


def main(words: Sequence[str]) -> int:
    """List the models, or show the card of the one that is named."""
    options = parser_of("models").read(words)
    if len(options.words) > 1:
        raise ConfigError(f"received {' '.join(options.words)}; expected one model at most")
    every = {name: shipped_facts(read_card(name)) for name in names()}
    every |= {name: tagger_facts(name) for name in TAGGERS}
    if not options.words:
        if options.format == "json":
            show(json.dumps([*every.values()], ensure_ascii=False, indent=1))
        else:
            show(models_table([*every.values()]).to_terminal())
        return 0
    (name,) = options.words
    if name not in every:
        raise ConfigError(
            f"unknown model '{name}'; allowed: {', '.join(every)}{nearest(name, every)}"
        )
    if options.format == "json":
        about = read_card(name) if name in names() else every[name]
        show(json.dumps(about, ensure_ascii=False, indent=1))
    elif name in names():
        for table in card_tables(read_card(name)):
            show(table.to_terminal())
    else:
        show(models_table([every[name]]).to_terminal())
    return 0
