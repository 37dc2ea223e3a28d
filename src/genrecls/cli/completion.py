"""Shell completion: shells ask `genrecls --complete`, answered from the parsers of the verbs.

Nothing is composed for an answer: choices are names of files, and keys are read from the YAML files
of the options that the line has chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from genrecls.cli.verbs import ACTIONS, VERBS, parser_of
from genrecls.config.options import choices, groups, keys, listed
from genrecls.config.plugins import have_plugins
from genrecls.errors import ConfigError, nearest

_BASH = """\
_genrecls() {
    local word="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=($(compgen -W "$(genrecls --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" \\
        -- "$word"))
    case "${COMPREPLY[0]}" in *=|*.) compopt -o nospace 2>/dev/null ;; esac
}
COMP_WORDBREAKS="${COMP_WORDBREAKS//=}"
complete -o default -F _genrecls genrecls
"""
_ZSH = f"""\
autoload -Uz bashcompinit compinit
compinit
bashcompinit
{_BASH}"""
_FISH = """\
function __genrecls_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    genrecls --complete $words[2..-1] "$word" 2>/dev/null
    __fish_complete_path "$word"
end
complete -c genrecls -f -a '(__genrecls_complete)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
SHELLS = tuple(_SCRIPTS)


def script(shell: str) -> str:
    """Return the script that a shell has to source.

    Raises:
        ConfigError: the shell is not known.
    """
    if shell not in _SCRIPTS:
        raise ConfigError(
            f"--completion: received '{shell}'; allowed: {', '.join(SHELLS)}"
            f'{nearest(shell, SHELLS)}; for example: eval "$(genrecls --completion bash)"'
        )
    return _SCRIPTS[shell]


def candidates(words: Sequence[str]) -> list[str]:
    """Return what can stand in place of the last of the words behind `genrecls`."""
    *before, word = words or [""]
    return [found for found in _all_candidates(before, word) if found.startswith(word)]


def _all_candidates(before: Sequence[str], word: str) -> Iterator[str]:
    if not before:
        yield from (*VERBS, "--help", "--version", "--completion")
        return
    verb, *rest = before
    if verb == "--completion":
        yield from SHELLS
        return
    if verb == "data" and not rest:
        yield from ACTIONS
        return
    if verb not in VERBS or (verb == "data" and rest[0] not in ACTIONS):
        return
    parser = parser_of(verb, rest[0] if verb == "data" else "")
    flags = {flag: action for action in parser.shown_actions for flag in action.option_strings}
    expects_value = flags.get(rest[-1]) if rest else None
    if expects_value is not None and expects_value.nargs != 0:
        yield from map(str, expects_value.choices or ())
    elif word.startswith("-"):
        yield from (flag for flag in flags if flag.startswith("--"))
    else:
        yield from (f"{name}=" for name in parser.settings)
        yield from parser.candidates()
        for root in parser.roots:
            yield from _overrides(root, rest, word)


def _overrides(root: str, before: Sequence[str], word: str) -> Iterator[str]:
    """Yield what a word such as `model=c` or `trainer.ep` can become."""
    key, equals, value = word.partition("=")
    if equals:
        if key in groups(root):
            # Of several values the last one is completed.
            first = value[: len(value) - len(value.rpartition(",")[2])]
            yield from (f"{key}={first}{choice}" for choice in _choices(key))
        return
    group, dot, _ = key.partition(".")
    if not dot:
        yield from (f"{line.partition(':')[0]}=" for line in keys(root))
        for name in groups(root):
            yield f"{name}="
            yield f"{name}."
    elif group in groups(root):
        chosen = [w.partition("=")[2] for w in before if w.partition("=")[0] == group]
        option = chosen[-1] if chosen else groups(root)[group][0]
        values: Any = _values(group, option)
        path = key.split(".")
        for step in path[1:-1]:
            values = values.get(step) if isinstance(values, Mapping) else None
        for name, inner in values.items() if isinstance(values, Mapping) else ():
            end = "." if isinstance(inner, Mapping) else "="
            yield ".".join([*path[:-1], f"{name}{end}"])


def _choices(group: str) -> Iterable[str]:
    """Return the options of a group; the registries are imported only where plugins add to them."""
    return choices(group) if have_plugins() else listed(group)


def _values(group: str, option: str) -> dict[str, Any]:
    """Return the values of an option, those of the options that its file begins with too."""
    import yaml

    if option not in listed(group):
        return {}
    values = yaml.safe_load(listed(group)[option].read_text(encoding="utf-8")) or {}
    merged: dict[str, Any] = {}
    for entry in values.pop("defaults", []):
        if isinstance(entry, str) and entry != "_self_":
            name, _, part = entry.partition("@")
            merged |= {part: _values(group, name)} if part else _values(group, name)
    for key, value in values.items():
        inner = merged.get(key)
        merged[key] = (
            inner | value if isinstance(inner, dict) and isinstance(value, dict) else value
        )
    return merged
