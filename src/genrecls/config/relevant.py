"""Which settings decide the result of a training."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

# Where things lie, how often is saved and who follows a training does not change its result; what
# the data are is in their fingerprint.
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
    ("trainer", "checkpoint_minutes"),
    ("logger",),
)
"""Groups and key of each setting that changes no result."""


def relevant(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a resolved configuration without the settings that change no result."""
    kept = copy.deepcopy(dict(config))
    for *groups, key in IRRELEVANT:
        place: dict[str, Any] = kept
        for group in groups:
            place = place.get(group, {})
        place.pop(key, None)
    # A key that came later: without augmentations of plugins a run is the one that it was before.
    if not kept.get("augment", {}).get("extra", True):
        del kept["augment"]["extra"]
    return kept
