"""The page of all verbs, each as its own parser describes it."""

from __future__ import annotations

from genrecls.cli.arguments import parser_of
from genrecls.cli.help import general
from genrecls.cli.verbs import ACTIONS, VERBS


def commands_page() -> str:
    """Return the page in Markdown."""
    parts = [
        "# Commands\n\nWhat `--help` prints, of every verb.",
        _text(general()),
    ]
    for verb, about in VERBS.items():
        parts.append(f"## genrecls {verb}\n\n{about[0].upper()}{about[1:]}.")
        if verb == "data":
            parts += [
                f"### genrecls data {action}\n\n{_text(parser_of(verb, action).format_help())}"
                for action in ACTIONS
            ]
        else:
            parts.append(_text(parser_of(verb).format_help()))
    return "\n\n".join(parts) + "\n"


def _text(content: str) -> str:
    return f"```text\n{content.rstrip()}\n```"
