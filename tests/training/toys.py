"""Settings as the YAML files have them, and small things to train on."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.config.validation import select, validate
from genrecls.models.base import MODELS, ModelFamily
from genrecls.training.batches import BatchMaker
from genrecls.training.callbacks import Callbacks
from genrecls.training.checkpoint import Progress
from genrecls.training.data import Examples, normalisation
from genrecls.training.distribution import Devices
from genrecls.training.loop import TrainingData, fit
from genrecls.training.settings import AugmentSettings, TrainerSettings
from tests.composed import conf_values

SIZE = (24, 13)
N_CLASSES = 3
ONE_BLOCK = {
    "blocks": [
        {"filters": 8, "kernel": [3, 3], "stride": [1, 1], "pool": [2, 2], "pool_stride": None}
    ]
}
"""Settings of the convolutions of a network whose size does not matter."""


def trainer_settings(**changes: Any) -> TrainerSettings:
    """Return `conf/trainer/default.yaml` with changes; those of a group are merged into it."""
    return validate(TrainerSettings, _merged(conf_values("trainer/default"), changes), "trainer")


def augment_settings(**changes: Any) -> AugmentSettings:
    """Return `conf/augment/none.yaml` with changes."""
    return validate(AugmentSettings, _merged(conf_values("augment/none"), changes), "augment")


def toy_examples(
    count: int, *, seed: int = 0, n_classes: int = N_CLASSES, noise: float = 1.0
) -> Examples:
    """Return pictures of which each class has a stripe of its own, under noise."""
    rng = np.random.default_rng([seed, 1])
    targets = np.arange(count) % n_classes
    pictures = noise * rng.standard_normal((count, *SIZE))
    pictures[np.arange(count), :, 3 * targets] += 1.5
    return Examples(
        inputs={"mfcc": pictures.astype(np.float32)},
        targets=targets,
        tracks=tuple(f"t{i}" for i in range(count)),
        starts=np.zeros(count),
    )


def batch_maker(examples: Examples, **changes: Any) -> BatchMaker:
    """Return batches of eight without augmentation."""
    mean = {name: result.mean for name, result in normalisation(examples).items()}
    fields: dict[str, Any] = {
        "n_classes": N_CLASSES,
        "batch_size": 8,
        "augment": augment_settings(),
        "fill": {name: values.astype(np.float32) for name, values in mean.items()},
        "seed": 0,
    }
    return BatchMaker(examples, **{**fields, **changes})


@dataclass(frozen=True)
class StoppingBatches(BatchMaker):
    """Batches during which a signal comes, as from a user.

    Attributes:
        stop_at: epoch and step, both from 0, in front of which it comes.
        number: the signal.
    """

    stop_at: tuple[int, int] = (0, 0)
    number: signal.Signals = signal.SIGTERM

    def epoch(self, epoch: int, first_step: int = 0) -> Any:
        for step, batch in enumerate(super().epoch(epoch, first_step), start=first_step):
            if (epoch, step) == self.stop_at:
                signal.raise_signal(self.number)
            yield batch


def network(name: str = "cnn", *, seed: int = 0, **changes: Any) -> Any:
    """Return a small network of the family `name`, its random state made from `seed`."""
    from genrecls.models import tensorflow_setup

    tensorflow_setup.fresh(seed)
    small = {"conv": ONE_BLOCK, "global_pooling": "none"} if name == "cnn" else {}
    values = _merged(conf_values(f"model/{name}"), {**small, **changes})
    shapes = {"mfcc": SIZE}
    statistics = normalisation(toy_examples(30))
    family = select(MODELS, values)
    assert isinstance(family, ModelFamily)
    return family.build(shapes, N_CLASSES, statistics)


def train(
    folder: Path,
    *,
    model: Any = None,
    batches: BatchMaker | None = None,
    validation: Examples | None = None,
    devices: Devices | None = None,
    **changes: Any,
) -> tuple[Any, Progress]:
    """Fit a small network to the toys; `changes` are for the trainer. Model and progress."""
    data = TrainingData(
        model=model or network(),
        batches=batches or batch_maker(toy_examples(30)),
        validation=validation or toy_examples(15, seed=1),
    )
    trainer = trainer_settings(**{"epochs": 3, **changes})
    return data.model, fit(data, trainer, folder, devices or Devices(), Callbacks())


def values(variables: Any) -> list[NDArray[Any]]:
    return [variable.numpy() for variable in variables]


def same(one: list[NDArray[Any]], other: list[NDArray[Any]]) -> bool:
    """Return whether all arrays are bit for bit equal."""
    return [a.tobytes() for a in one] == [a.tobytes() for a in other]


def timeless(history: list[dict[str, float]]) -> list[dict[str, float]]:
    """Return the history without what no two runs have in common."""
    return [{key: row[key] for key in row if key != "seconds"} for row in history]


def _merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        inner = merged.get(key)
        both = isinstance(inner, dict) and isinstance(value, Mapping)
        merged[key] = {**inner, **value} if both and inner else value
    return merged
