"""The words behind a verb: checked, and quoted where Hydra would misread them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from genrecls.config.aliases import current_word
from genrecls.config.options import choices, groups, keys
from genrecls.config.paths import expanded
from genrecls.errors import ConfigError, nearest

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

# What stands behind these is a file name, whatever it looks like to Hydra's grammar.
_PATHS = frozenset(
    {"data_root", "output_root", "dataset.root", "dataset.csv", "dataset_root", "run"}
)


@dataclass(frozen=True)
class Words:
    """A command line as Hydra reads it best.

    Attributes:
        flags: Hydra's flags with their values.
        overrides: everything else.
        multirun: whether several values mean several runs.
    """

    flags: list[str]
    overrides: list[str]
    multirun: bool


def read_words(root: str, words: Sequence[str]) -> Words:
    """Return flags and overrides, in whatever order they were written.

    Raises:
        ConfigError: an unknown flag, or an override that cannot be meant.
    """
    from hydra._internal.utils import get_args_parser

    parser = get_args_parser()
    parser.error = _refuse_flag  # type: ignore[method-assign]
    given = parser.parse_intermixed_args(list(words))
    left = list(given.overrides)
    flags = [word for word in words if not (left and word == left[0] and left.pop(0))]
    return Words(
        flags, check_overrides(root, given.overrides, given.multirun), bool(given.multirun)
    )


def run_named(words: Sequence[str]) -> list[str]:
    """Return the words with a bare one as `run=<word>`.

    It is quoted, for a path may hold Hydra's own characters.
    """
    return [_as_run(word) for word in words]


def _as_run(word: str) -> str:
    if "=" in word or word.startswith("-"):
        return word
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"run='{escaped}'"


def check_overrides(root: str, overrides: Sequence[str], multirun: bool = False) -> list[str]:
    """Return the overrides with file names quoted.

    Args:
        root: name of the root configuration.
        overrides: words such as `model=cnn`.
        multirun: whether a word may have several values.

    Raises:
        ConfigError: a word that is no override, names no choice, or has several values.
    """
    checked = [_quoted(current_word(word), multirun) for word in overrides]
    for word in checked:
        _check(root, word, multirun)
    return checked


def _refuse_flag(message: str) -> NoReturn:
    raise ConfigError(f"{message}; --hydra-help lists all flags")


def _parse(word: str) -> Override | None:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(word)
    except HydraException:
        return None


def _quoted(word: str, multirun: bool) -> str:
    """Return a word for a file in quotes if Hydra takes it for anything but one text."""
    key, equals, value = word.partition("=")
    if not equals or key not in _PATHS:
        return word
    if value.startswith("~"):
        value = str(expanded(value, key))
    found = _parse(f"{key}={value}")
    if found is not None and _is_meant(found, multirun):
        return f"{key}={value}"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{key}='{escaped}'"


def _is_meant(found: Override, multirun: bool) -> bool:
    if found.is_sweep_override():
        return multirun
    value: Any = found.value()
    return value is None or isinstance(value, str)


def _check(root: str, word: str, multirun: bool) -> None:
    found = _parse(word)
    if found is None or not found.key_or_group:
        raise ConfigError(_unreadable(root, word))
    if found.is_sweep_override():
        if not multirun:
            raise ConfigError(
                f"{word}: several values need -m, which makes one run for each; "
                "a list is written [a,b]"
            )
        return
    if found.key_or_group in groups(root) and not found.is_delete():
        _check_choice(root, found)


def _check_choice(root: str, found: Override) -> None:
    group = found.key_or_group
    if found.is_add() or found.is_force_add():
        raise ConfigError(f"{found.input_line}: there is a {group} already; write it without '+'")
    value: Any = found.value()
    optional = groups(root)[group][0] == "null"
    names = value if isinstance(value, list) else [value]
    if value is None and optional:
        return
    if not value or not all(isinstance(name, str) for name in names):
        known = list(choices(group))
        raise ConfigError(
            f"{found.input_line}: no such choice; allowed: {', '.join(known)}"
            f"{nearest(value, known) if isinstance(value, str) else ''}"
        )


def _unreadable(root: str, word: str) -> str:
    key, equals, value = word.partition("=")
    if key and equals:
        return (
            f"{key}: cannot read {value!r}; quote a text with special characters for the shell "
            f"""and once more inside: "{key}='...'\""""
        )
    for group in groups(root):
        if word in choices(group):
            return f"'{word}': expected key=value; did you mean '{group}={word}'?"
    if word in groups(root):
        return f"'{word}': expected {word}=choice; allowed: {', '.join(choices(word))}"
    known = [*groups(root), *(line.partition(":")[0] for line in keys(root))]
    return f"'{word}': expected key=value or group=choice{nearest(word, known)}"
