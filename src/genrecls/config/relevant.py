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
    ("logger",),
)
"""Groups and key of each setting that changes no result."""

LATER: dict[tuple[str, str], Any] = {
    ("augment", "extra"): [],
    ("segment", "short_tracks"): "reject",
    ("split", "seed"): None,
    ("trainer", "deterministic"): "cores",
}
"""Settings that came after the first runs: with this value a run, and its features in the cache,
are those that they were before."""


def relevant(config: Mapping[str, Any]) -> dict[str, Any]:
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
    return without_later(kept)


def without_later(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a configuration without the keys of `LATER` that have their first value."""
    kept = copy.deepcopy(dict(config))
    for (group, key), first in LATER.items():
        values = kept.get(group)
        if isinstance(values, dict) and key in values and values[key] == first:
            del values[key]
    return kept
