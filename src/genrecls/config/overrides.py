"""Overrides: the words of a command line that choose options and set values.

They are read by Hydra's own parser, within bounds. What it cannot read or what names no choice is
refused here, in one line, before anything is composed.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls.config.aliases import current_word
from genrecls.config.options import choices, groups, keys, settable
from genrecls.config.paths import PATH_KEYS, conf_dir, expanded, own_folder
from genrecls.errors import ConfigError, nearest

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

# What is longer takes the parser of overrides more than some seconds, or all of the stack.
_MOST_OVERRIDES, _MOST_CHARACTERS, _DEEPEST = 500, 20_000, 20
_MOST_VALUES = 10_000
# Mappings to whose keys any other may be added.
_FREE = {"cluster.init", "search.base", "search.space"}


def combine_values(
    overrides: Sequence[str], config_dir: str | None = None
) -> list[tuple[str, ...]]:
    """Return the words of each training of a sweep: one value of every word that has several.

    Raises:
        ConfigError: a word is wrong, or its pattern matches nothing.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    folder = own_folder(config_dir)
    checked = check_overrides("train", overrides, several=True)
    parser = OverridesParser.create(config_loader=_KnownOptions(folder))  # type: ignore[arg-type]
    values: dict[str, list[str]] = {}
    for override in parser.parse_overrides(checked):
        key, line = override.get_key_element(), str(override.input_line)
        if not override.is_sweep_override():
            words = [line]
        elif override.is_discrete_sweep():
            texts = itertools.islice(override.sweep_string_iterator(), _MOST_VALUES + 1)
            words = [f"{key}={value}" for value in texts]
        else:
            raise ConfigError(
                f"{line}: expected values that can be listed; a range between two bounds is for a "
                "search space, see 'genrecls sweep --help'"
            )
        if not words:
            raise ConfigError(f"{line}: matches no choice of {key}")
        # Of one key that is given twice the last word holds.
        values[key] = words
    if math.prod(map(len, values.values())) > _MOST_VALUES:
        raise ConfigError(
            f"received values for more than {_MOST_VALUES:,} trainings; expected fewer, or a "
            "search, see 'genrecls sweep --help'"
        )
    return list(itertools.product(*values.values()))


class _KnownOptions:
    """What a pattern such as `experiment=glob(kha*)` may match, as the override parser asks it."""

    def __init__(self, config_dir: Path | None) -> None:
        self._config_dir = config_dir

    def get_group_options(self, group_name: str, **_: Any) -> list[str]:
        """Return the options of a group, those of the user's folder too."""
        own = (self._config_dir / group_name).glob("*.yaml") if self._config_dir else ()
        return sorted({*choices(group_name), *(path.stem for path in own)})


def check_overrides(root: str, overrides: Sequence[str], *, several: bool = False) -> list[str]:
    """Return the overrides in their present names, with file names quoted.

    Args:
        root: name of the root configuration.
        overrides: words such as `model=cnn`.
        several: whether a word may have several values.

    Raises:
        ConfigError: a word that is no override, names no choice, or has several values.
    """
    _refuse_unbounded(overrides)
    checked = [_quoted(current_word(word), several=several) for word in overrides]
    for word in checked:
        _check(root, word, several=several)
    return checked


def choices_and_values(words: Sequence[str]) -> tuple[tuple[str, ...], list[Override]] | None:
    """Return the words that choose files of ours, and apart from them those that set values.

    Returns:
        None where a word does neither, such as one that deletes a group.
    """
    files, values = [], []
    for word in words:
        override = _parse(word)
        if override is None or override.is_hydra_override() or override.package is not None:
            return None
        folder = conf_dir() / override.key_or_group
        if "." in override.key_or_group or not folder.is_dir():
            values.append(override)
            continue
        name = override.value()
        chosen = isinstance(name, str) and (folder / f"{name}.yaml").is_file()
        if not chosen or override.is_add() or override.is_force_add() or override.is_delete():
            return None
        files.append(word)
    return tuple(files), values


def _refuse_unbounded(overrides: Sequence[str]) -> None:
    remedy = "keep them in a file experiment/<name>.yaml of a folder that -cd names"
    if len(overrides) > _MOST_OVERRIDES:
        raise ConfigError(
            f"received {len(overrides):,} overrides; expected at most {_MOST_OVERRIDES}; {remedy}"
        )
    characters = sum(map(len, overrides))
    if characters > _MOST_CHARACTERS:
        longest = max(overrides, key=len)
        raise ConfigError(
            f"{_shortened(longest)}: received overrides of {characters:,} characters in all; "
            f"expected at most {_MOST_CHARACTERS:,}; {remedy}"
        )
    for word in overrides:
        depth = deepest = 0
        for bracket in re.findall(r"[\[{(\]})]", re.sub(r"'[^']*'|\"[^\"]*\"", "", word)):
            depth += 1 if bracket in "[{(" else -1
            deepest = max(deepest, depth)
        if deepest > _DEEPEST:
            raise ConfigError(
                f"{_shortened(word)}: {deepest:,} brackets inside one another; expected at most "
                f"{_DEEPEST}"
            )


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


# A word is looked at two or three times, and a sweep or a table of presets repeats its words.
@lru_cache(maxsize=256)
def _parse(word: str) -> Override | None:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(word)
    except HydraException:
        return None


def _quoted(word: str, *, several: bool) -> str:
    """Return a word for a file in quotes if Hydra takes it for anything but one text."""
    key, equals, value = word.partition("=")
    if not equals or key not in PATH_KEYS:
        return word
    if value.startswith("~"):
        value = str(expanded(value, key))
    override = _parse(f"{key}={value}")
    if override is not None and override.is_sweep_override():
        meant = several
    else:
        meant = override is not None and isinstance(override.value(), str | None)
    return f"{key}={value}" if meant else f"{key}={quoted(value)}"


def quoted(text: str) -> str:
    """Return a text as the grammar of overrides writes it; nothing in it is a reference."""
    from hydra.core.override_parser.types import Quote, QuotedString

    escaped = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)
    return QuotedString(escaped, Quote.single).with_quotes()


def literal(value: Any, key: str) -> str:
    """Return a Python value as the grammar of overrides writes it.

    Args:
        value: a text, path, number, truth value or None, or lists and mappings of them.
        key: the key that it is for, for the message.

    Raises:
        ConfigError: it is none of these.
    """
    if isinstance(value, str | Path):
        return quoted(str(value))
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Mapping):
        items = (f"{_name(name, key)}: {literal(item, key)}" for name, item in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(literal(item, key) for item in value)}]"
    raise ConfigError(
        f"{key}: received a {type(value).__name__}; expected a text, path, number, truth value, "
        "None, or a list or mapping of them"
    )


def _name(name: Any, key: str) -> str:
    """Return the name of an item of a mapping as the grammar of overrides writes it.

    Raises:
        ConfigError: it cannot, for it takes no quotes there.
    """
    written = re.sub(r"[\\()\[\]{}:=, \t]", r"\\\g<0>", str(name))
    override = _parse(f"{key}={{{written}: 1}}")
    read = override.value() if override else None
    # A text that looks like a number, or like true or null, would come back as one.
    if not isinstance(read, dict) or list(read) != [name]:
        group = key.partition(".")[0] if "." in key else "experiment"
        raise ConfigError(
            f"{key}: received the name {name!r}, which no override can hold as it is; such a name "
            f"can only stand in a YAML file: {group}/<name>.yaml of a folder that -cd names"
        )
    return written


def overrides_of(settings: Mapping[str, Any], words: Sequence[str] = ()) -> Iterator[str]:
    """Yield settings as overrides: texts quoted, mappings as dotted keys, tuples as choices.

    Args:
        settings: values by their keys, those of groups as mappings.
        words: overrides that they stand beside, which choose the options of groups.
    """
    nested = any(
        isinstance(inner, Mapping)
        for value in settings.values()
        if isinstance(value, Mapping)
        for inner in value.values()
    )
    present: dict[str, Any] = {}
    if nested:
        # Keys that two of them have, such as `data_root`, mean the same.
        for root in ("train", "sweep", "export"):
            present |= settable(root, words)
    yield from _dotted(settings, "", present)


def _dotted(settings: Mapping[str, Any], prefix: str, present: Any) -> Iterator[str]:
    known = present if isinstance(present, Mapping) else {}
    for name, value in settings.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            # What has keys of the user's own is one value, such as `dataset.merge`, which is null,
            # or `cluster.additional_parameters`, which is empty; of a group no file may be known.
            own = key in _FREE or any("." in str(inner) for inner in value)
            if own or (name in known and known[name] is None) or (prefix and known.get(name) == {}):
                yield f"+{key}={literal(value, key)}"
            else:
                yield from _dotted(value, f"{key}.", known.get(name))
        elif isinstance(value, tuple):
            yield f"{key}={','.join(_plain_word(item) or literal(item, key) for item in value)}"
        else:
            yield f"{key}={_plain_word(value) or literal(value, key)}"


def _plain_word(value: Any) -> str:
    """Return a text that means itself without quotes, as in a shell; nothing for others."""
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", value)
    return value if plain and value.lower() not in {"true", "false", "null", "nan", "inf"} else ""


def _check(root: str, word: str, *, several: bool) -> None:
    override = _parse(word)
    if override is None or not override.key_or_group:
        raise ConfigError(_unreadable(root, word))
    key = override.key_or_group
    if override.is_hydra_override() and key != "hydra.searchpath":
        raise ConfigError(
            f"{key}: settings of Hydra have no effect here; -cd FOLDER names a folder of yours "
            "with configurations, 'genrecls sweep --help' says how many are trained"
        )
    if override.is_sweep_override():
        if not several:
            if root != "train":
                raise ConfigError(
                    f"{word}: several values have no meaning here; a list is written "
                    f"{key}=[{word.partition('=')[2]}]"
                )
            raise ConfigError(
                f"{word}: several values need 'genrecls sweep', which trains one run for each; "
                "a list is written [a,b]"
            )
        return
    if key not in groups(root) or override.is_delete():
        return
    if override.is_add() or override.is_force_add():
        raise ConfigError(f"{word}: there is a {key} already; write it without '+'")
    value: Any = override.value()
    names = value if isinstance(value, list) else [value]
    optional = groups(root)[key][0] == "null"
    if value is None and optional:
        return
    if not value or not all(isinstance(name, str) for name in names):
        known = list(choices(key))
        raise ConfigError(
            f"{word}: no such choice; allowed: {', '.join(known)}"
            f"{nearest(value, known) if isinstance(value, str) else ''}"
        )


def _unreadable(root: str, word: str) -> str:
    key, equals, value = word.partition("=")
    if key and equals:
        return (
            f"{key}: cannot read {_shortened(repr(value))}; quote a text with special characters "
            f"""for the shell and once more inside: "{key}='...'\""""
        )
    for group in groups(root):
        if word in choices(group):
            return f"'{word}': expected key=value; did you mean '{group}={word}'?"
    if word in groups(root):
        return f"'{word}': expected {word}=choice; allowed: {', '.join(choices(word))}"
    if "." in word and word.partition(".")[0] in groups(root):
        return f"'{word}': expected {word}=value, without a space"
    known = [*groups(root), *(line.partition(":")[0] for line in keys(root))]
    return f"'{word}': expected key=value or group=choice{nearest(word, known)}"
