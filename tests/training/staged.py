"""A small family that is trained in stages, and what is needed to fit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genrecls.models.base import ModelFamily, Normalisation, Shapes, Stage
from genrecls.models.layers import normalised_input
from genrecls.training.callbacks import Callbacks
from genrecls.training.distribution import Devices
from genrecls.training.stages import Task, TrainingPaths, TrainingResult, fit
from tests.training.toys import (
    N_CLASSES,
    SIZE,
    augment_settings,
    toy_examples,
    trainer_settings,
)

HEAD = Stage("head", frozen="bottom")
WHOLE = Stage("whole", frozen="flat", epochs=2, learning_rate=1e-4)


@dataclass(frozen=True)
class Staged(ModelFamily):
    """Two dense layers, of which a stage may freeze the first."""

    plan: tuple[Stage, ...]
    width: int = 6
    activation: str = "tanh"

    def check(self, shapes: Shapes) -> None:
        """Take everything."""

    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> Any:
        import keras
        from keras import layers

        statistics = self.statistics("mfcc", normalisation)
        source, x = normalised_input("mfcc", shapes["mfcc"], statistics)
        x = layers.Flatten(name="flat")(x)
        x = layers.Dense(self.width, activation=self.activation, name="bottom")(x)
        x = layers.Dropout(0.3, name="dropout1")(x)
        x = layers.Dense(n_classes, activation="softmax", name="probabilities")(x)
        return keras.Model({"mfcc": source}, x, name="staged")

    def stages(self) -> tuple[Stage, ...]:
        return self.plan


def task(*plan: Stage, **changes: Any) -> Task:
    """Return the task to fit `Staged` in the stages `plan`."""
    layer = {key: changes.pop(key) for key in ("width", "activation") if key in changes}
    augment = augment_settings(**changes.pop("augment", {}))
    made = Task(
        family=Staged("staged", standardise=False, plan=plan, **layer),
        shapes={"mfcc": SIZE},
        n_classes=N_CLASSES,
        trainer=trainer_settings(**{"epochs": 3, "batch_size": 8, **changes.pop("trainer", {})}),
        augment=augment,
        seed=0,
        training=toy_examples(30),
        validation=toy_examples(15, seed=1),
    )
    return replace(made, **changes)


def fitted(
    folder: Path, chosen: Task, name: str = "run", devices: Devices | None = None
) -> TrainingResult:
    """Fit with checkpoints of the run `name` and one cache for all runs below `folder`."""
    paths = TrainingPaths(folder / name, folder / "backbone")
    return fit(chosen, paths, devices or Devices(), Callbacks())
