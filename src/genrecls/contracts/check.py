"""Every option that a plugin registers, held to the contract of its group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from genrecls.config.plugins import plugin_of
from genrecls.config.validation import select
from genrecls.contracts import augmentations, datasets, features, models, splits
from genrecls.contracts.base import Check, Finding, run_checks
from genrecls.datasets.base import DATASETS
from genrecls.errors import ConfigError, DataError
from genrecls.features.base import FEATURES
from genrecls.models.base import MODELS
from genrecls.splits.base import SPLITS
from genrecls.training.settings import AUGMENTATIONS


def check_plugins(data_root: Path) -> Iterator[tuple[str, str, list[Finding]]]:
    """Yield group, name and findings of every option that comes from a plugin."""
    checks: dict[Any, Sequence[Check]] = {
        MODELS: models.CHECKS,
        FEATURES: features.CHECKS,
        SPLITS: splits.CHECKS,
        AUGMENTATIONS: augmentations.CHECKS,
        DATASETS: datasets.CHECKS,
    }
    for group, chosen in checks.items():
        for name in group:
            if plugin_of(group[name]) is None:
                continue
            try:
                option = select(group, {"name": name})
                subject = datasets.load(option, data_root) if group is DATASETS else option
            except ConfigError as error:
                yield group.group, name, [Finding("its keys have defaults", str(error))]
                continue
            except DataError as error:
                yield group.group, name, [Finding("its data are there to be tried", str(error))]
                continue
            yield group.group, name, list(run_checks(subject, chosen))
