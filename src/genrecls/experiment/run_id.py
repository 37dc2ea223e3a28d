"""What makes two runs the same run."""

from __future__ import annotations

import json
from pathlib import Path

from genrecls.config.aliases import original_config
from genrecls.config.relevant import relevant
from genrecls.experiment.experiment import Experiment
from genrecls.experiment.teacher import extra_digest, find_teacher
from genrecls.files.hashing import text_digest


def run_id(experiment: Experiment, fingerprint: str) -> str:
    """Return eight hexadecimal digits that equal configurations on equal data share.

    Args:
        experiment: validated configuration.
        fingerprint: digest of the data: ids, labels, groups, published parts and file contents.

    Raises:
        RunError: the teacher is not there, or cannot teach here.
        DataError: the music that it is to listen to is not there.
    """
    config = original_config(relevant(experiment.resolved()))
    # What a file holds decides, not where it lies.
    config["model"] |= experiment.model.contents()
    if teacher := find_teacher(experiment, fingerprint):
        config["teacher"] = teacher.digest
        config["distill"]["extra"] = extra_digest(experiment)
    # Nor where a plugin lies, but its source.
    plugins = [experiment.plugins] if experiment.plugins else []
    text = json.dumps([config, fingerprint, *plugins], sort_keys=True)
    return text_digest(text, 8)


def run_name(experiment: Experiment, fingerprint: str) -> str:
    """Return the name of the run folder: `<dataset>-<features>-<model>-<id>`."""
    parts = (experiment.dataset.title, experiment.features.title, experiment.model.title)
    return "-".join((*parts, run_id(experiment, fingerprint)))


def run_folder(experiment: Experiment, fingerprint: str) -> Path:
    """Return the folder of the run below the output root, whether or not it is there.

    A run that was trained when its features or its model had another name keeps the folder that it
    has.
    """
    name = run_name(experiment, fingerprint)
    folder = experiment.output_root / name
    if folder.exists():
        return folder
    earlier = sorted(experiment.output_root.glob(f"*-{name.rpartition('-')[2]}"))
    return earlier[0] if earlier else folder
