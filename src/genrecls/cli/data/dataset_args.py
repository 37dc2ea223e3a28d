"""Which data set an action of `genrecls data` is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genrecls.config.compose import compose
from genrecls.config.paths import data_root_of
from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, DatasetSource


def chosen_source(overrides: Sequence[str]) -> tuple[DatasetSource, Path]:
    """Return the data set that the overrides choose, and the folder of all data."""
    composed = compose("data", overrides)
    return select(DATASETS, composed["dataset"], "dataset"), data_root_of(composed)
