"""In which settings configurations differ, and how settings are named in tables."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from genrecls.config.compose import compose
from genrecls.config.options import choices, flat, groups
from genrecls.config.relevant import relevant
from genrecls.models.sklearn import TRAINER_KEYS

Settings = Mapping[str, Any]
"""Values of a configuration by dotted key."""


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that all runs of a system share: no seed, no fold, nothing irrelevant.

    A list of layers or the like has a key for each setting of each of them, counted from 0. The
    model has the name of its preset.
    """
    settings = _relevant_settings(config)
    shared = {key: settings[key] for key in settings if key not in {"seed", "split.fold"}}
    return {**shared, "model.name": model_of(config)} if "model.name" in shared else shared


def model_of(config: Mapping[str, Any]) -> str:
    """Return what the model is called: the preset that was chosen, or its family."""
    model = config["model"]
    return str(model.get("preset") or model["name"])


def split_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the split of a configuration; without a seed of its own it has that of the run."""
    split = config["split"]
    return {**split, "seed": config["seed"] if split.get("seed") is None else split["seed"]}


def differing_from_defaults(config: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return value and default of each setting that is not as its option comes, by dotted key.

    A group counts where another option is the default; what that option brings with it does not.
    A setting that the defaults do not have has None for one.
    """
    options = {
        group: model_of(config) if group == "model" else str(values.get("name"))
        for group, values in config.items()
        if group in groups() and isinstance(values, Mapping)
    }
    settings = {**_relevant_settings(config), "model.name": options["model"]}
    first = dict(flat(compose("train", [])))
    # Several options of a group have one name, such as mel and mel_64: the default is meant.
    words = [
        f"{group}={option}"
        for group, option in options.items()
        if option in choices(group) and option != first.get(f"{group}.name")
    ]
    usual = dict(flat(_numbered(compose("train", words))))
    names = {f"{group}.name" for group in options}
    defaults = {key: (first if key in names else usual).get(key) for key in settings}
    return {
        key: (settings[key], defaults[key]) for key in settings if settings[key] != defaults[key]
    }


def _relevant_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    settings = dict(flat(_numbered(relevant(config))))
    if config["model"]["name"] != "sklearn":
        return settings
    trainer = {key for key in settings if key.startswith("trainer.")}
    return {key: settings[key] for key in settings if key not in trainer - {*TRAINER_KEYS}}


def _numbered(value: Any) -> Any:
    """Return a value with its lists of mappings as mappings of their places."""
    if isinstance(value, Mapping):
        return {key: _numbered(inner) for key, inner in value.items()}
    if isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        return {str(place): _numbered(inner) for place, inner in enumerate(value)}
    return value


def differing(systems: Sequence[Settings]) -> tuple[str, ...]:
    """Return the keys in which systems differ, in the order of the configuration.

    What follows from the choice of a model, an optimiser or another thing with a name is left out:
    a key counts if systems with the same names above it have different values of it. A model that
    is fitted at once, or an average of several, has no trainer to differ in.
    """
    keys = dict.fromkeys(key for settings in systems for key in settings)
    chosen = []
    for key in keys:
        # The keys that name the things which `key` is a setting of.
        groups = key.split(".")[:-1]
        names = [".".join((*groups[: depth + 1], "name")) for depth in range(len(groups))]
        values: dict[str, set[str | None]] = defaultdict(set)
        for settings in systems:
            if groups[:1] == ["trainer"] and not {key, "trainer.epochs"} & settings.keys():
                continue
            above = json.dumps([settings.get(name) for name in names if name != key])
            values[above].add(json.dumps(settings[key]) if key in settings else None)
        if any(len(different) > 1 for different in values.values()):
            chosen.append(key)
    return tuple(chosen)


def title_of(key: str) -> str:
    """Return a key as one writes it in a command: `model`, `model.units`, `trainer.epochs`."""
    group, _, rest = key.partition(".")
    return group if rest == "name" else key


def short_titles(keys: Sequence[str]) -> dict[str, str]:
    """Return for each key its last word, or all of its title where another ends alike."""
    words = {key: key.removesuffix(".name").rpartition(".")[2] for key in keys}
    # By itself `seed` is that of the run.
    counts = Counter([*words.values(), "seed"])
    return {key: word if counts[word] == 1 else title_of(key) for key, word in words.items()}


def written(value: Any) -> str:
    """Return a value of the configuration as one writes it in YAML: `[64, 32]`, `{a: null}`."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {written(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def value_of(settings: Settings, key: str, width: int = 40) -> str:
    """Return a value in one line of at most `width` characters; a dash where there is none."""
    if key not in settings:
        return "\u2013"
    text = written(settings[key])
    return text if len(text) <= width else f"{text[: width - 1]}…"


def settings_in_words(settings: Settings, keys: Sequence[str]) -> list[str]:
    """Return `key=value` for each of the keys that the settings have, with short titles."""
    titles = short_titles(keys).items()
    return [f"{title}={value_of(settings, key, 24)}" for key, title in titles if key in settings]
