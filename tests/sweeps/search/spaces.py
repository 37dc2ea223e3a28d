"""Settings and spaces of searches, as they come from the configuration."""

from __future__ import annotations

from typing import Any

from genrecls.sweeps.search.settings import SearchSettings, read_settings
from genrecls.sweeps.search.space import Dimension, read_space
from tests import composed as shared

SPACE = {
    "trainer.optimizer.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "model.head.units": {"choices": [[16], [32, 16]]},
    "model.head.dropout": {"low": 0.0, "high": 0.5, "step": 0.1},
}


def composed(choice: str = "trainer", *words: str) -> dict[str, Any]:
    """Return the group `search` of `conf/sweep.yaml`."""
    group: dict[str, Any] = shared.composed("sweep", f"search={choice}", *words)["search"]
    return group


def settings(**changes: Any) -> SearchSettings:
    """Return settings of a search in `SPACE`; nothing is random but the first two trials."""
    small = {"trials": 4, "startup_trials": 2, "warmup_epochs": 1, "space": SPACE}
    return read_settings({**composed(), **small, **changes})


def space() -> dict[str, Dimension]:
    """Return what `SPACE` means."""
    return read_space(SPACE)
