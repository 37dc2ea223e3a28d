"""What tells configurations apart, and only that."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from genrecls.config.options import flat
from genrecls.experiment.run_id import IRRELEVANT
from genrecls.reports.numbers import DASH

Settings = Mapping[str, Any]
"""Values of a configuration by dotted key."""

# What may differ between runs of one system; other places are no part of a result at all.
_ASIDE = (*(".".join(place) for place in IRRELEVANT), "seed", "split.fold")
_ABSENT = object()


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a system of a run: no seed, no fold, nothing that changes no result."""
    return {key: value for key, value in flat(config) if not _is_aside(key)}


def differing(systems: Sequence[Settings]) -> tuple[str, ...]:
    """Return the keys that tell systems apart, in the order of the configuration.

    What follows from the choice of a model, an optimiser or another thing with a name is left out:
    a key counts if systems with the same names above it have different values of it.
    """
    keys = dict.fromkeys(key for settings in systems for key in settings)
    return tuple(key for key in keys if _differs(key, systems))


def title_of(key: str) -> str:
    """Return a key as one writes it in a command: `model`, `model.units`, `trainer.epochs`."""
    group, _, rest = key.partition(".")
    return group if rest == "name" else key


def short_titles(keys: Sequence[str]) -> dict[str, str]:
    """Return for each key its last word, or all of its title where another ends alike."""
    words = {key: key.removesuffix(".name").rpartition(".")[2] for key in keys}
    counts = Counter(words.values())
    return {key: word if counts[word] == 1 else title_of(key) for key, word in words.items()}


def value_of(settings: Settings, key: str, width: int = 40) -> str:
    """Return a value in one line of at most `width` characters; a dash where there is none."""
    if key not in settings:
        return DASH
    value = settings[key]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else f"{text[: width - 1]}…"


def settings_in_words(settings: Settings, keys: Sequence[str]) -> list[str]:
    """Return `key=value` for each of the keys that the settings have, with short titles."""
    titles = short_titles(keys).items()
    return [f"{title}={value_of(settings, key, 24)}" for key, title in titles if key in settings]


def _is_aside(key: str) -> bool:
    return any(key == place or key.startswith(f"{place}.") for place in _ASIDE)


def _differs(key: str, systems: Sequence[Settings]) -> bool:
    names = [name for name in _names_above(key) if name != key]
    found: dict[str, set[str]] = {}
    for settings in systems:
        chosen = json.dumps([settings.get(name) for name in names])
        value = settings.get(key, _ABSENT)
        found.setdefault(chosen, set()).add("" if value is _ABSENT else json.dumps(value))
    return any(len(values) > 1 for values in found.values())


def _names_above(key: str) -> list[str]:
    """Return the keys that name the things which `key` is a setting of."""
    places = key.split(".")[:-1]
    return [".".join((*places[: depth + 1], "name")) for depth in range(len(places))]
