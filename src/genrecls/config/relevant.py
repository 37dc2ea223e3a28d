"""Which settings decide the result of a training."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

# Where things lie, what settings are called, how often is saved and who follows a training does not
# change its result; what the data are is in their fingerprint.
IRRELEVANT = (
    ("force",),
    ("show",),
    ("memory_gb",),
    ("backend",),
    ("data_root",),
    ("output_root",),
    ("dataset", "root"),
    ("dataset", "csv"),
    ("dataset", "artists"),
    ("dataset", "separator"),
    ("dataset", "columns"),
    ("dataset", "merge"),
    ("dataset", "exclude"),
    ("dataset", "min_tracks"),
    ("model", "preset"),
    ("trainer", "checkpoint_minutes"),
    ("trainer", "keep_checkpoint"),
    ("logger",),
    ("figures",),
)
"""Groups and key of each setting that changes no result."""

_COMPRESSION = {
    "compression": "db",
    "log_gain": 10_000.0,
    "pcen_seconds": 0.4,
    "pcen_gain": 0.98,
    "pcen_bias": 2.0,
    "pcen_power": 0.5,
}
# How copies of the audio are distorted where none are made: as runs have said it from the first.
_NO_COPIES = {
    "chance": 0.5,
    "pitch": 2.0,
    "stretch": 0.1,
    "equaliser": 6.0,
    "band": None,
    "gain": 6.0,
    "noise": [20.0, 40.0],
}
LATER: dict[tuple[str, ...], Any] = {
    ("augment", "extra"): [],
    ("augment", "audio", "band"): None,
    ("augment", "mixup_chance"): 1.0,
    ("augment", "roll"): 0.0,
    ("augment", "gain"): 0.0,
    ("augment", "mixstyle"): 0.0,
    ("augment", "mixstyle_chance"): 0.5,
    **{("features", key): first for key, first in _COMPRESSION.items()},
    **{("features", "picture", key): first for key, first in _COMPRESSION.items()},
    ("model", "global_pooling"): "none",
    ("model", "centring"): "none",
    ("model", "branches"): 1,
    ("segment", "short_tracks"): "reject",
    ("split", "seed"): None,
    ("trainer", "deterministic"): "cores",
    ("trainer", "crops"): None,
    ("trainer", "ema"): 0.0,
    ("trainer", "calibration"): "none",
    ("trainer", "refit"): False,
    ("trainer", "int8_epochs"): 0,
}
"""Settings that came after the first runs: with this value a run, and its features in the cache,
are those that they were before."""


def relevant(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides the result of a training, as runs are named by it."""
    return without_later(without_irrelevant(config))


def without_irrelevant(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a resolved configuration without the settings that change no result."""
    kept = copy.deepcopy(dict(config))
    for *groups, key in IRRELEVANT:
        place: dict[str, Any] = kept
        for group in groups:
            place = place.get(group, {})
        place.pop(key, None)
    # Of one's own music the genres are those of the tracks, which the fingerprint holds.
    if kept.get("dataset", {}).get("name") == "folder":
        kept["dataset"].pop("genres", None)
    # The number counts where it is fixed.
    if kept.get("trainer", {}).get("deterministic") == "cores":
        kept["trainer"].pop("threads", None)
    if kept.get("teacher") is None:
        kept.pop("teacher", None)
        kept.pop("distill", None)
    audio = kept.get("augment", {}).get("audio")
    if audio and not audio.get("copies"):
        audio.update(_NO_COPIES)
    if kept.get("trainer", {}).get("crops") is None:
        kept.get("trainer", {}).pop("crop_hop", None)
    return kept


def without_later(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a configuration without the keys of `LATER` that have their first value."""
    kept = copy.deepcopy(dict(config))
    for (*groups, key), first in LATER.items():
        values: Any = kept
        for group in groups:
            values = values.get(group) if isinstance(values, dict) else None
        if isinstance(values, dict) and key in values and values[key] == first:
            del values[key]
    return kept
