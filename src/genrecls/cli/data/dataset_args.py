"""Which data set an action of `genrecls data` is about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genrecls.config.compose import compose
from genrecls.config.paths import expanded
from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, DatasetSource
from genrecls.errors import ConfigError


def chosen_source(overrides: Sequence[str]) -> tuple[DatasetSource, Path]:
    """Return the data set that the overrides choose, and the folder of all data."""
    composed = compose("data", overrides)
    return select(DATASETS, composed["dataset"], "dataset"), data_root_of(composed)


def data_root_of(composed: dict[str, Any]) -> Path:
    """Return the folder of all data of a composed configuration."""
    root = composed["data_root"]
    if not isinstance(root, str):
        raise ConfigError(f"data_root: received {json.dumps(root)}; allowed: a folder")
    return expanded(root, "data_root")
