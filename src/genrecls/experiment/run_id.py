"""What makes two runs the same run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from genrecls.config.aliases import original_config
from genrecls.experiment.experiment import Experiment

# Where things lie, how often is saved and who is told does not change a result; what the data are
# is in their fingerprint.
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


def run_id(experiment: Experiment, fingerprint: str) -> str:
    """Return eight hexadecimal digits that equal configurations on equal data share.

    Args:
        experiment: validated configuration.
        fingerprint: digest of the data: ids, labels, groups, published parts and file contents.
    """
    relevant = original_config(experiment.resolved())
    for *groups, key in IRRELEVANT:
        place: dict[str, Any] = relevant
        for group in groups:
            place = place[group]
        place.pop(key, None)
    # What a file holds decides, not where it lies.
    relevant["model"] |= experiment.model.contents()
    text = json.dumps([relevant, fingerprint], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def run_name(experiment: Experiment, fingerprint: str) -> str:
    """Return the name of the run folder: `<dataset>-<features>-<model>-<id>`."""
    parts = (experiment.dataset.title, experiment.features.title, experiment.model.name)
    return "-".join((*parts, run_id(experiment, fingerprint)))


def run_folder(experiment: Experiment, fingerprint: str) -> Path:
    """Return the folder of the run below the output root, whether or not it is there.

    A run that was trained when its features had another name keeps the folder that it has.
    """
    name = run_name(experiment, fingerprint)
    folder = experiment.output_root / name
    if folder.exists():
        return folder
    earlier = sorted(experiment.output_root.glob(f"*-{name.rpartition('-')[2]}"))
    return earlier[0] if earlier else folder
