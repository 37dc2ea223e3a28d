"""A network before its training, for the converter: its settings in a file instead of weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from genrecls.errors import ConfigError
from genrecls.experiment.experiment import Experiment, parse
from genrecls.files.tables import write_json
from genrecls.models import tensorflow_setup
from genrecls.models.base import ModelFamily, Normalisation
from genrecls.runs.model_file import ModelCard

if TYPE_CHECKING:
    import keras

NAME = "untrained.json"
"""Name of the file; a trained network has one of its own, `.keras`."""


def write_untrained(folder: Path, experiment: Experiment, n_classes: int) -> Path:
    """Write what network an experiment would train, for `n_classes` genres; return the file."""
    path = folder / NAME
    write_json(path, {"experiment": experiment.resolved(), "genres": n_classes})
    return path


def read_untrained(path: Path) -> tuple[keras.Model, ModelCard]:
    """Return the network, with random weights, and a card that knows no score.

    Raises:
        ConfigError: the experiment trains no network.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    experiment = parse(content["experiment"])
    family, features, segment = experiment.model, experiment.features, experiment.segment
    if not isinstance(family, ModelFamily):
        raise ConfigError(f"model={family.title}: expected a network, which has layers untrained")
    tensorflow_setup.configure_tensorflow()
    shapes = segment.shapes(features)
    unit = {name: Normalisation.unit(shape) for name, shape in shapes.items()}
    model = family.build(shapes, content["genres"], unit)
    card = ModelCard(
        labels=tuple(f"genre {number}" for number in range(content["genres"])),
        vote="mean",
        run="untrained",
        dataset="none",
        split="none",
        leaks=(),
        generated=True,
        test={},
        features=features,
        segment=segment,
    )
    return model, card
