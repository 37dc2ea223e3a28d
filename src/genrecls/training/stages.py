"""From a model family to a trained network: its first weights, then stage after stage."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from genrecls.console import say, several
from genrecls.models import tensorflow_setup
from genrecls.models.base import ModelFamily, Normalisation, Shapes, Stage
from genrecls.models.rounding import require_roundable, round_weights, with_rounding
from genrecls.rng import stream, stream_seed
from genrecls.training import loop
from genrecls.training.batches import BatchMaker
from genrecls.training.branches import average_branches, with_branches
from genrecls.training.calibration import apply_temperature, fit_temperature, require_softmax
from genrecls.training.callbacks import Callback, TrainingPlan
from genrecls.training.checkpoint import Progress
from genrecls.training.data import Examples, normalisation, take
from genrecls.training.distillation import Distillation, with_projection
from genrecls.training.distribution import Devices
from genrecls.training.frozen_outputs import divide, embed, excess_bytes, skip_frozen
from genrecls.training.loop import TrainingData
from genrecls.training.settings import AugmentSettings, TrainerSettings

if TYPE_CHECKING:
    import keras

# As many training examples show how large the values of a layer are.
_ROUNDED_EXAMPLES = 500
# Of the learning rate, with which a trained network stays where it is.
_ROUNDED_RATE = 0.1
# What comes equally often in the batches of each kind.
_EVEN: Mapping[str, Literal["genres", "tracks"] | None] = {
    "shuffled": None,
    "balanced": "genres",
    "tracks": "tracks",
}


@dataclass(frozen=True)
class Task:
    """What is trained, how and on what.

    Attributes:
        shapes: shape of each input.
        n_classes: number of genres.
        seed: run seed.
        training: the training part; with `trainer.crops` all crops that may be drawn of it.
        validation: the part that selects the best epoch; None where all tracks train, so that
            nothing can be selected.
        distillation: what is learnt from a teacher, whose answers the training part has.
    """

    family: ModelFamily
    shapes: Shapes
    n_classes: int
    trainer: TrainerSettings
    augment: AugmentSettings
    seed: int
    training: Examples
    validation: Examples | None
    distillation: Distillation | None = None


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
        model: with the weights that `trainer.keep` names.
        progress: of all stages together, their epochs numbered through.
        seconds: time spent on each step of the work: at first on the outputs of frozen layers, if
            there are any, and on training.
        kept_epoch: whose weights were kept; with `trainer.int8_epochs` these went on from there.
        settings: what inner folds of the training part chose, by key; a network has none.
        temperature: what the logits were divided by; None where they were not.
        frozen: name of the last layer whose outputs are kept, see `frozen_outputs`; None where
            there are none.
    """

    model: keras.Model
    progress: Progress
    seconds: Mapping[str, float]
    kept_epoch: int
    settings: Mapping[str, int | float | str] = field(default_factory=dict)
    temperature: float | None = None
    frozen: str | None = None


def fit(task: Task, paths: TrainingPaths, devices: Devices, callback: Callback) -> TrainingResult:
    """Build the network and train it, or continue from where an earlier attempt stopped.

    A later stage that never gets better than an earlier one leaves its weights alone (unless the
    trainer keeps the last ones): validation selects among all epochs.

    Raises:
        Interrupted, RunError: as `loop.fit` does.
        ConfigError: the network cannot be trained so.
        ModelFileError: the weights to begin with cannot be had.
        DataError: the outputs of frozen layers cannot be kept.
    """
    tensorflow_setup.configure_tensorflow()
    tensorflow_setup.fresh(stream_seed(task.seed, "weights"))
    # Pictures may fill the memory, and statistics of them need as much again.
    needed = task.family.standardise or task.augment.active
    statistics = normalisation(task.training) if needed else {}
    model = task.family.build(task.shapes, task.n_classes, statistics)
    task.family.initialise(model)
    if task.trainer.calibration == "temperature":
        require_softmax(model)
    if task.trainer.int8_epochs:
        require_roundable(model)
    network = _learning(task, model, statistics)

    stages, trainer = task.family.stages(), task.trainer
    epochs = sum(stage.epochs or trainer.epochs for stage in stages) + trainer.int8_epochs
    in_parts = bool(stages[0].name or trainer.int8_epochs)
    progress, frozen_seconds = Progress(), 0.0
    frozen: str | None = None
    for number, stage in enumerate(stages, start=1):
        weights_before = model.get_weights()
        started = time.monotonic()
        data, frozen = _training_data(task, stage, network, statistics, paths.backbone)
        frozen_seconds += time.monotonic() - started if stage.frozen else 0.0
        rate = stage.learning_rate or trainer.optimizer.learning_rate
        settings = replace(
            trainer,
            epochs=stage.epochs or trainer.epochs,
            optimizer=replace(trainer.optimizer, learning_rate=rate),
        )
        stage_callback = callback
        if in_parts:
            stage_callback = _StageCallback(callback, progress, number, epochs)
        folder = paths.checkpoints / stage.name
        stage_progress = loop.fit(data, settings, folder, devices, stage_callback)
        average_branches(model, network, task.family.count_branches())
        if trainer.keep == "best" and not _is_better(stage_progress, progress):
            say(f"{stage.name}: no epoch is better than those before, whose weights stay")
            model.set_weights(weights_before)
        progress = _join(progress, stage_progress, number) if in_parts else stage_progress
    kept_epoch = progress.kept_epoch(trainer.keep)
    if trainer.int8_epochs:
        rounding_callback = _StageCallback(callback, progress, len(stages) + 1, epochs)
        model, learnt = _learn_rounding(task, statistics, model, paths, devices, rounding_callback)
        progress = _join(progress, learnt, len(stages) + 1)
        frozen = None

    temperature = None
    if trainer.calibration == "temperature" and task.validation is not None:
        rest, validation = skip_frozen(model, frozen, task.validation, paths.backbone)
        answers = loop.probabilities(rest, validation, trainer.batch_size)
        temperature = fit_temperature(answers, task.validation)
        apply_temperature(model, temperature)
        say(f"temperature {temperature:.2f}, fitted on the validation part")
    seconds = {"frozen layers": frozen_seconds} if frozen_seconds else {}
    seconds["training"] = progress.seconds
    return TrainingResult(
        model, progress, seconds, kept_epoch, temperature=temperature, frozen=frozen
    )


def _learning(
    task: Task, model: keras.Model, statistics: Mapping[str, Normalisation]
) -> keras.Model:
    """Return `model` with what takes part in every stage of the training and stays behind."""
    network, branches = model, task.family.count_branches()
    if branches > 1:
        # A layer that answers for several has no single input, and `model` is asked for those.
        network = task.family.build(task.shapes, task.n_classes, statistics)
    if task.distillation and task.distillation.embedding:
        fixed = [stage.frozen for stage in task.family.stages() if stage.frozen]
        network = with_projection(network, task.distillation, fixed)
    return with_branches(network, branches) if branches > 1 else network


def _learn_rounding(
    task: Task,
    statistics: Mapping[str, Normalisation],
    model: keras.Model,
    paths: TrainingPaths,
    devices: Devices,
    callback: Callback,
) -> tuple[keras.Model, Progress]:
    """Return a copy of a trained network that rounds as int8 files do, and has learnt with it.

    What a teacher said is not asked again: the genres alone keep the network where it is.
    """
    labelled = np.flatnonzero(task.training.targets >= 0)
    rows = np.sort(stream(task.seed, "rounding").permutation(labelled)[:_ROUNDED_EXAMPLES])
    chosen = {name: values[rows] for name, values in task.training.inputs.items()}
    rounded = with_rounding(model, chosen)
    say(f"learning with the rounding of int8 files: {several(task.trainer.int8_epochs, 'epoch')}")

    trainer = task.trainer
    optimizer = replace(
        trainer.optimizer, learning_rate=_ROUNDED_RATE * trainer.optimizer.learning_rate
    )
    settings = replace(
        trainer.without_validation(trainer.int8_epochs),
        optimizer=optimizer,
        schedule=replace(trainer.schedule, name="cosine", warmup_epochs=0),
        ema=0.0,
    )
    task = replace(task, training=_labelled(task.training), trainer=settings, distillation=None)
    fixed = frozenset(layer.name for layer in model.layers if not layer.trainable)
    data, _ = _training_data(task, Stage(fixed=fixed), rounded, statistics, paths.backbone)
    progress = loop.fit(data, settings, paths.checkpoints / "int8", devices, callback)
    round_weights(rounded)
    return rounded, progress


def _labelled(examples: Examples) -> Examples:
    """Return the examples whose genre is known, without what a teacher says of them."""
    rows = np.flatnonzero(examples.targets >= 0)
    if len(rows) == len(examples):
        return replace(examples, teacher=None)
    return take(examples, rows)


def _training_data(
    task: Task,
    stage: Stage,
    model: keras.Model,
    statistics: Mapping[str, Normalisation],
    cache: Path,
) -> tuple[TrainingData, str | None]:
    """Return the network of a stage with its examples: whole, or what is behind frozen layers.

    In the second case also the name of the last layer whose outputs are kept.
    """
    # All layers learn but those up to the layer `stage.frozen`.
    frozen = stage.frozen is not None
    for layer in model.layers:
        layer.trainable = not frozen and layer.name not in stage.fixed
        frozen = frozen and layer.name != stage.frozen
    if stage.name:
        learning = sum(prod(variable.shape) for variable in model.trainable_variables)
        say(f"stage {stage.name}: {learning:,} of {model.count_params():,} parameters learn")

    training, network, kept = task.training, model, None
    fill = {name: values.mean.astype(np.float32) for name, values in statistics.items()}
    validation = task.validation
    if stage.frozen is not None and can_keep_outputs(task, model, stage.frozen):
        kept = stage.frozen
        backbone, network = divide(model, kept)
        training = embed(backbone, training, cache)
        if validation is not None:
            validation = embed(backbone, validation, cache)
        fill = {}
    trainer = task.trainer
    batches = BatchMaker(
        training,
        task.n_classes,
        trainer.batch_size,
        task.augment,
        fill,
        task.seed,
        even=_EVEN[trainer.batches],
        crops=trainer.crops,
    )
    return TrainingData(network, batches, validation, task.distillation), kept


def can_keep_outputs(task: Task, model: keras.Model, frozen: str) -> bool:
    """Return whether the outputs of the frozen layers can and should be computed only once.

    Args:
        task: the training.
        model: its network.
        frozen: name of the last frozen layer.
    """
    reason = ""
    parts = [task.training, *([task.validation] if task.validation else [])]
    if task.augment.active or task.training.copies:
        reason = "augmentation makes new examples in every epoch"
    elif excess := excess_bytes(model, frozen, *parts):
        reason = f"their outputs would take {excess / 1e9:.1f} GB"
    if reason:
        say(f"{reason}, so the frozen layers are computed in every step")
    return not reason


class _StageCallback(Callback):
    """Reports one of several stages as a part of the whole training.

    Args:
        callback: of the whole training.
        before: progress of the stages before.
        number: of the stage, from 1.
        epochs: at most so many in all stages.
    """

    def __init__(self, callback: Callback, before: Progress, number: int, epochs: int) -> None:
        self._callback = callback
        self._before = before
        self._number = number
        self._epochs = epochs

    def on_stage_start(self, progress: Progress, plan: TrainingPlan) -> None:
        joined = _join(self._before, progress, self._number)
        self._callback.on_stage_start(joined, replace(plan, epochs=self._epochs))

    def on_step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        self._callback.on_step(self._before.epoch + epoch, step, loss, accuracy)

    def on_epoch_end(self, progress: Progress) -> None:
        self._callback.on_epoch_end(_join(self._before, progress, self._number))

    def on_stage_end(self) -> None:
        self._callback.on_stage_end()


def _is_better(progress: Progress, before: Progress) -> bool:
    if before.best_value is None or progress.best_value is None:
        return True
    return progress.best_value < before.best_value


def _join(before: Progress, progress: Progress, stage: int) -> Progress:
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
    if progress.best_value is None or not _is_better(progress, before):
        joined.best_epoch, joined.best_value = before.best_epoch, before.best_value
    return joined
