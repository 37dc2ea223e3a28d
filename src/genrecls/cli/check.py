"""`genrecls check`: whether what a plugin registers does what it must."""

from __future__ import annotations

from collections.abc import Sequence

from genrecls.cli.arguments import parser_of
from genrecls.cli.parser import refuse_words
from genrecls.config.plugins import plugin_flags
from genrecls.console import say, several, show
from genrecls.contracts.check import check_plugins
from genrecls.errors import ConfigError


def main(words: Sequence[str]) -> int:
    """Check the options of all plugins; exit status 1 where one breaks its contract."""
    options = parser_of("check").read(words)
    refuse_words(options.words)
    broken = checked = 0
    for group, name, findings in check_plugins(options.data_root):
        checked += 1
        problems = [finding for finding in findings if finding.problem]
        broken += bool(problems)
        show(f"{group}={name}: {'ok' if not problems else several(len(problems), 'problem')}")
        for finding in problems:
            show(f"  expected: {finding.check}\n  received: {finding.problem}")
    if not checked:
        what = "the plugin registers nothing" if plugin_flags() else "no --plugin FILE was given"
        raise ConfigError(
            f"{what} that could be checked; a plugin registers a model, feature, data set or split "
            "with MODELS, FEATURES, DATASETS or SPLITS"
        )
    say(f"{several(checked, 'option')} checked, {broken or 'none'} broken")
    return 1 if broken else 0
