"""Shell completion: shells ask `genrecls --complete`, answered from the parsers of the verbs.

Nothing is composed or imported for an answer: choices are names of files, keys are read from the
YAML files of the options that the line has chosen, values from the sources of their classes.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from genrecls.cli.arguments import parser_of
from genrecls.cli.parser import OUTPUT_ROOT, VerbParser, split_plugins
from genrecls.cli.verbs import ACTIONS, VERBS
from genrecls.config.options import allowed_values, choices, groups, listed, settable
from genrecls.config.paths import PATH_KEYS, expanded
from genrecls.config.plugins import use_plugins
from genrecls.errors import ConfigError, nearest
from genrecls.shipped.models import names_with_modes

# A key whose values are files that are no config group.
_TARGET = ("export", "target")
_MODEL_FILES = (".keras", ".tflite")

# A name may hold anything, so it is quoted, and nothing of it is ever expanded.
_BASH = """\
_genrecls() {
    local found
    COMPREPLY=()
    while IFS= read -r found; do
        case "$found" in
            "~"*) printf -v found '~%q' "${found#"~"}" ;;
            *) printf -v found '%q' "$found" ;;
        esac
        COMPREPLY+=("$found")
    done < <(genrecls --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    case "${COMPREPLY[0]}" in *=|*.|*/) compopt -o nospace 2>/dev/null ;; esac
}
COMP_WORDBREAKS="${COMP_WORDBREAKS//=}"
complete -o default -F _genrecls genrecls
"""
# Its own `=` and `~` are not quoted, or nothing would match what is typed.
_ZSH = """\
autoload -Uz compinit
(( $+functions[compdef] )) || compinit -i
_genrecls() {
    local found
    local -a whole begun
    while IFS= read -r found; do
        case "$found" in
            "~"*) found="~${(q)found#?}" ;;
            *) found="${(q)found}" ;;
        esac
        case "$found" in
            *=|*.|*/) begun+=("$found") ;;
            *) whole+=("$found") ;;
        esac
    done < <(genrecls --complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    compadd -Q -S '' -a begun
    compadd -Q -a whole
}
compdef _genrecls genrecls
"""
_FISH = """\
function __genrecls_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    genrecls --complete $words[2..-1] "$word" 2>/dev/null
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
    """Return what can stand in place of the last of the words behind `genrecls`.

    Args:
        words: as they are typed: a special character may stand behind a backslash.
    """
    *before, word = [re.sub(r"\\(.)", r"\1", each) for each in words or [""]]
    with suppress(ConfigError):
        before, plugins = split_plugins(before)
        use_plugins(plugins)
    # Whoever lists names of files does so for a terminal.
    found = (each for each in _all_candidates(before, word) if each.isprintable())
    return list(dict.fromkeys(each for each in found if each.startswith(word)))


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
        yield from _flag_values(expects_value, rest, word)
    elif word.startswith("-"):
        flag, equals, value = word.partition("=")
        if equals and flag in flags:
            yield from (f"{flag}={each}" for each in _flag_values(flags[flag], rest, value))
        yield from (flag for flag in flags if flag.startswith("--"))
    else:
        yield from _words(parser, rest, word)
        for root in parser.roots:
            yield from _overrides(root, rest, word)


def _flag_values(flag: argparse.Action, before: Sequence[str], word: str) -> Iterator[str]:
    yield from map(str, flag.choices or ())
    if flag.metavar == "RUN":
        yield from _runs(before, word)
        yield from names_with_modes()
    elif flag.metavar in {"FILE", "FOLDER", "PNG", "SOURCE"}:
        yield from _paths(word, () if flag.metavar == "FOLDER" else None)


def _words(parser: VerbParser, before: Sequence[str], word: str) -> Iterator[str]:
    """Yield the plain words and the settings of a verb without a configuration file."""
    key, equals, value = word.partition("=")
    if equals:
        if key in parser.settings:
            yield from (f"{key}={path}" for path in _paths(value, ()))
        return
    yield from (f"{name}=" for name in parser.settings)
    yield from parser.candidates()
    if "RUN" in parser.shown_words:
        yield from _runs(before, word)
    if "FILE" in parser.shown_words:
        yield from _paths(word)


def _runs(before: Sequence[str], word: str) -> Iterator[str]:
    """Yield the runs below the folder that the line names, and files and folders with models."""
    places = (each.partition("=")[2] for each in before if each.startswith("output_root="))
    root = expanded(next(places, OUTPUT_ROOT["output_root"].default), "output_root")
    names = sorted({file.parent.name for file in root.glob("*/run.json")})
    if names:
        yield from ("latest", "best", *names)
    yield from _paths(word, _MODEL_FILES)


def _paths(start: str, suffixes: Sequence[str] | None = None) -> Iterator[str]:
    """Yield the folders and the files that begin so; of the files those with these suffixes."""
    place, slash, begun = start.rpartition("/")
    with (
        suppress(OSError, ConfigError),
        os.scandir(expanded(place + slash or ".", "path")) as items,
    ):
        for item in sorted(items, key=lambda item: item.name):
            if item.name.startswith(".") and not begun.startswith("."):
                continue
            if item.is_dir():
                yield f"{place}{slash}{item.name}/"
            elif suffixes is None or Path(item.name).suffix.lower() in suffixes:
                yield f"{place}{slash}{item.name}"


def _overrides(root: str, before: Sequence[str], word: str) -> Iterator[str]:
    """Yield what a word such as `model=c`, `trainer.ep` or `vote=m` can become."""
    key, equals, value = word.partition("=")
    own = _own_folder(before)
    if not equals:
        yield from _keys(root, settable(root, before, own), key)
    elif key == "run":
        yield from (f"run={run}" for run in _runs(before, value))
    elif key in PATH_KEYS:
        yield from (f"{key}={path}" for path in _paths(value))
    else:
        # Of several values the last one is completed.
        done = value[: max(value.rfind(","), value.rfind("[")) + 1]
        used = re.split(r"[\[,]", done)
        if key in groups(root):
            found: Iterable[str] = (each for each in _choices(key, own) if each not in used)
        else:
            known = allowed_values(root, key, settable(root, before, own))
            found = listed("export/target") if (root, key) == _TARGET else known.values
            if known.several and not value:
                yield from (f"{key}=[{each}]" for each in found if each != "null")
                found = {"null"} & set(found)
            elif known.several:
                found = [f"{each}]" for each in found if each not in used]
        yield from (f"{key}={done}{each}" for each in found)


def _keys(root: str, values: Mapping[str, Any], start: str) -> Iterator[str]:
    """Yield the keys that stand where the last part of `start` does."""
    *path, _ = start.split(".")
    place: Any = values
    for step in path:
        place = _items(place).get(step)
    for name, inner in _items(place).items():
        key = ".".join([*path, name])
        if key in groups(root) or not isinstance(inner, Mapping):
            yield f"{key}="
        if any(isinstance(each, Mapping) for each in (inner, *_items(inner).values())) and inner:
            yield f"{key}."


def _items(value: Any) -> Mapping[str, Any]:
    if isinstance(value, list):
        return {str(number): item for number, item in enumerate(value)}
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def _own_folder(before: Sequence[str]) -> Path | None:
    """Return the folder of configurations of the user that the line names."""
    flags = ("--config-dir", "-cd")
    for flag, word in pairwise([*before, ""]):
        name, equals, value = flag.partition("=")
        if name in flags and (value if equals else word):
            return expanded(value if equals else word, "-cd")
    return None


def _choices(group: str, own: Path | None) -> Iterable[str]:
    """Return the options of a group, those of the user's folder too."""
    return sorted({*listed(group, own), *choices(group)})
