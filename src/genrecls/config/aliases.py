"""What configuration keys and values were called before, in one table.

Old names are accepted on the command line and in the user's files, with one line that names the new
one; what finished runs and model files have stored is read without a word. Run ids are digests of
the old names, so that a run that was finished under them is found again.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

Path = tuple[str, ...]

_KEYS: tuple[tuple[Path, Path], ...] = (
    (("segment", "cut"), ("segment", "source")),
    (("entrances",), ("inputs",)),
)
_IMAGE = {"picture": "mel_image"}
_VALUES: dict[Path, dict[str, str]] = {
    ("segment", "source"): {"samples": "audio", "frames": "spectrogram"},
    ("features", "name"): {
        **_IMAGE,
        "joint": "multi_input",
        "published_picture": "kaggle_picture",
        "published_table": "kaggle_table",
    },
    ("features", "picture", "name"): _IMAGE,
}
CHOICES: dict[str, dict[str, str]] = {
    "features": {
        **_IMAGE,
        "picture_summary": "mel_image_summary",
        "published_both": "kaggle_both",
        "published_picture": "kaggle_picture",
        "published_table": "kaggle_table",
    },
}
"""Old choices of config groups, which are names of files."""

_told: set[str] = set()


def tell_new_name(old: str, new: str) -> None:
    """Say once in a process that `old` is called `new` now."""
    if old not in _told:
        _told.add(old)
        from genrecls.console import warn

        warn(f"{old} is called {new} now; this version still accepts the old name")


def current_word(word: str) -> str:
    """Return an override such as `features=picture` in the present names; an old one is told."""
    key, equals, value = word.partition("=")
    bare = key.lstrip("+~")
    new_key = {".".join(old): ".".join(new) for old, new in _KEYS}.get(bare, bare)
    names = CHOICES.get(bare.partition("@")[0]) or _VALUES.get(tuple(new_key.split(".")), {})
    new_value = re.sub(r"[\w-]+", lambda match: names.get(match[0], match[0]), value)
    current = f"{key[: len(key) - len(bare)]}{new_key}{equals}{new_value}"
    if current != word:
        tell_new_name(word, current)
    return current


def current_config(values: Mapping[str, Any], *, tell: bool = False) -> dict[str, Any]:
    """Return a composed or stored configuration with the present names.

    Args:
        values: nested plain values, of all groups or of some.
        tell: whether an old name is to be told, for it stands in a file of the user.
    """
    current = copy.deepcopy(dict(values))
    for old, new in _KEYS:
        _rename_key(current, old, new, tell=tell)
    for path, names in _VALUES.items():
        _rename_value(current, path, names, tell=tell)
    return current


def original_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with the names of the first version, which run ids are made of."""
    original = copy.deepcopy(dict(values))
    for path, names in _VALUES.items():
        _rename_value(original, path, {new: old for old, new in names.items()})
    for old, new in _KEYS:
        _rename_key(original, new, old)
    return original


def _rename_key(values: dict[str, Any], old: Path, new: Path, *, tell: bool = False) -> None:
    group = _group_of(values, old)
    if group is not None and old[-1] in group:
        group[new[-1]] = group.pop(old[-1])
        if tell:
            tell_new_name(".".join(old), ".".join(new))


def _rename_value(
    values: dict[str, Any], path: Path, names: Mapping[str, str], *, tell: bool = False
) -> None:
    group = _group_of(values, path)
    value = None if group is None else group.get(path[-1])
    if group is not None and isinstance(value, str) and value in names:
        group[path[-1]] = names[value]
        if tell:
            key = ".".join(path)
            tell_new_name(f"{key}={value}", f"{key}={names[value]}")


def _group_of(values: dict[str, Any], path: Path) -> dict[str, Any] | None:
    """Return the mapping that holds the last key of `path`; None where there is none."""
    place: Any = values
    for step in path[:-1]:
        place = place.get(step) if isinstance(place, dict) else None
    return place if isinstance(place, dict) else None
