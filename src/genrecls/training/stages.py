"""From a model family to a trained network: its weights to begin with, then stage after stage."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genrecls.console import say
from genrecls.models import tensorflow_setup
from genrecls.models.base import ModelFamily, Normalisation, Shapes, Stage
from genrecls.rng import stream_seed
from genrecls.training import distribution
from genrecls.training.batches import BatchMaker
from genrecls.training.callbacks import Watch, ignore_progress
from genrecls.training.checkpoint import Progress
from genrecls.training.data import Examples, normalisation
from genrecls.training.frozen_outputs import divide, embed
from genrecls.training.loop import TrainingData, fit
from genrecls.training.settings import AugmentSettings, TrainerSettings

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Task:
    """What is trained, how and on what.

    Attributes:
        shapes: shape of each input.
        n_classes: number of genres.
        seed: run seed.
        training: the training part.
        validation: the part that selects the best epoch.
    """

    family: ModelFamily
    shapes: Shapes
    n_classes: int
    trainer: TrainerSettings
    augment: AugmentSettings
    seed: int
    training: Examples
    validation: Examples


@dataclass(frozen=True)
class TrainingPaths:
    """Folders of a training.

    Attributes:
        checkpoints: of this run; a stage that has a name has a folder of its own in it.
        backbone: outputs of frozen layers, shared by all runs.
    """

    checkpoints: Path
    backbone: Path


@dataclass(frozen=True)
class TrainingResult:
    """A trained network.

    Attributes:
        progress: of all stages together, their epochs numbered through.
        seconds: time spent on the outputs of frozen layers, if there are any, and on training.
    """

    model: keras.Model
    progress: Progress
    seconds: Mapping[str, float]


def fit_in_stages(
    task: Task, places: TrainingPaths, watch: Watch = ignore_progress
) -> TrainingResult:
    """Build the network and train it, or go on from where an earlier attempt stopped.

    A later stage that never gets better than an earlier one leaves its weights alone (unless the
    trainer keeps the last ones): validation selects among all epochs.

    Raises:
        Interrupted, RunError: as `fit` does.
        ModelFileError: the weights to begin with cannot be had.
        DataError: the outputs of frozen layers cannot be kept.
    """
    distribution.devices_for(task.trainer.strategy)
    tensorflow_setup.configure_tensorflow()
    tensorflow_setup.fresh(stream_seed(task.seed, "weights"))
    # Pictures may fill the memory, and statistics of them need as much again.
    wanted = task.family.standardise or task.augment.active
    statistics = normalisation(task.training) if wanted else {}
    model = task.family.build(task.shapes, task.n_classes, statistics)
    task.family.initialise(model)
    done, frozen_seconds = Progress(), 0.0
    for number, stage in enumerate(task.family.stages(), start=1):
        before = model.get_weights()
        started = time.monotonic()
        material = _material(task, stage, model, statistics, places.backbone)
        frozen_seconds += time.monotonic() - started if stage.frozen else 0.0
        trainer, folder = _trainer(task.trainer, stage), places.checkpoints / stage.name
        told = _numbered(watch, done, number) if stage.name else watch
        progress = fit(material, trainer, folder, told)
        if task.trainer.keep == "best" and not _better(progress, done):
            say(f"{stage.name}: no epoch is better than those before, whose weights stay")
            model.set_weights(before)
        done = _joined(done, progress, number) if stage.name else progress
    spent = {"frozen layers": frozen_seconds} if frozen_seconds else {}
    return TrainingResult(model, done, {**spent, "training": done.seconds})


def _material(
    task: Task,
    stage: Stage,
    model: keras.Model,
    statistics: Mapping[str, Normalisation],
    cache: Path,
) -> TrainingData:
    """Return the network of a stage with its examples: whole, or what is behind frozen layers."""
    _freeze(model, stage.frozen)
    if stage.name:
        say(f"stage {stage.name}: {_sizes(model)}")
    if stage.frozen is None or not _worth_keeping(task, model, stage.frozen):
        fill = {name: found.mean.astype(np.float32) for name, found in statistics.items()}
        return TrainingData(model, _batches(task, task.training, fill), task.validation)
    backbone, head = divide(model, stage.frozen)
    training, validation = (
        embed(backbone, examples, cache) for examples in (task.training, task.validation)
    )
    return TrainingData(head, _batches(task, training, {}), validation)


def _batches(task: Task, training: Examples, fill: Mapping[str, NDArray[np.float32]]) -> BatchMaker:
    trainer, balanced = task.trainer, task.trainer.batches == "balanced"
    return BatchMaker(
        training, task.n_classes, trainer.batch_size, task.augment, fill, task.seed, balanced
    )


def _freeze(model: keras.Model, last: str | None) -> None:
    """Let all layers learn but those up to the layer `last`."""
    frozen = last is not None
    for layer in model.layers:
        layer.trainable = not frozen
        frozen = frozen and layer.name != last


def _sizes(model: keras.Model) -> str:
    trained = sum(prod(variable.shape) for variable in model.trainable_variables)
    return f"{trained:,} of {model.count_params():,} parameters learn"


def _worth_keeping(task: Task, model: keras.Model, frozen: str) -> bool:
    """Return whether the outputs of the frozen layers can and should be computed only once."""
    reason = ""
    if task.augment.active or task.training.copies:
        reason = "augmentation makes new examples in every epoch"
    # The inputs are in memory as it is, so that what is no larger cannot exhaust it.
    elif prod(model.get_layer(frozen).output.shape[1:]) > sum(map(prod, task.shapes.values())):
        reason = "their outputs are larger than their inputs"
    if reason:
        say(f"{reason}, so the frozen layers are computed in every step")
    return not reason


def _trainer(trainer: TrainerSettings, stage: Stage) -> TrainerSettings:
    rate = stage.learning_rate or trainer.optimizer.learning_rate
    optimizer = replace(trainer.optimizer, learning_rate=rate)
    return replace(trainer, epochs=stage.epochs or trainer.epochs, optimizer=optimizer)


def _better(progress: Progress, before: Progress) -> bool:
    if before.best_value is None or progress.best_value is None:
        return True
    return progress.best_value < before.best_value


def _numbered(watch: Watch, before: Progress, stage: int) -> Watch:
    """Return a watch of one stage that tells `watch` of all stages up to it."""
    return lambda progress: watch(_joined(before, progress, stage))


def _joined(before: Progress, progress: Progress, stage: int) -> Progress:
    """Return both as one training, the epochs numbered through."""
    rows = [
        {**row, "epoch": row["epoch"] + before.epoch, "stage": stage} for row in progress.history
    ]
    joined = replace(
        progress,
        epoch=before.epoch + progress.epoch,
        seconds=before.seconds + progress.seconds,
        history=[*before.history, *rows],
        best_epoch=before.epoch + progress.best_epoch,
    )
    if progress.best_value is None or not _better(progress, before):
        joined.best_epoch, joined.best_value = before.best_epoch, before.best_value
    return joined
