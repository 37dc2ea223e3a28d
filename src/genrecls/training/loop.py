"""The training loop: one step after another, interruptible at any, resumable bit for bit."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.console import say
from genrecls.errors import Interrupted, RunError
from genrecls.training import checkpoint as checkpoints
from genrecls.training import distribution
from genrecls.training.batches import BatchMaker
from genrecls.training.callbacks import Display, Watch, ignore_progress, training_display
from genrecls.training.checkpoint import Arrays, Checkpoint, Progress
from genrecls.training.data import Examples, class_weights
from genrecls.training.distribution import Devices
from genrecls.training.interrupts import StopRequest, stop_request
from genrecls.training.optimizer import build_optimizer, current_rate
from genrecls.training.settings import TrainerSettings
from genrecls.training.step import Learner

if TYPE_CHECKING:
    import keras

_GO_ON = "the same command (without force=true) goes on from here"


@dataclass(frozen=True)
class TrainingData:
    """What a training works on.

    Attributes:
        model: freshly built network; its variables are changed.
        batches: the training part.
        validation: the part that selects the best epoch.
    """

    model: keras.Model
    batches: BatchMaker
    validation: Examples


def fit(
    material: TrainingData, trainer: TrainerSettings, folder: Path, watch: Watch = ignore_progress
) -> Progress:
    """Train until the end, or go on from the newest checkpoint in `folder`.

    Afterwards the model holds the weights of its best epoch, or of its last one where the settings
    say so.

    Raises:
        Interrupted: Ctrl-C or SIGTERM came; a checkpoint was written.
        RunError: the loss is no longer a number, or another host has gone.
        ConfigError: the hosts of a training on many are not named.
    """
    devices = distribution.devices_for(trainer.strategy)
    with devices.guarded():
        loop = _Loop(material, trainer, folder, devices)
        loop.restore()
        watch(loop.progress)
        with (
            stop_request() as stop,
            training_display(trainer.epochs, material.batches.steps) as display,
        ):
            while not loop.finished:
                loop.epoch(display, stop)
                watch(loop.progress)
                loop.stop_if_requested(stop)
    if trainer.keep == "best":
        loop.use_best()
    return loop.progress


def probabilities(model: keras.Model, examples: Examples, batch_size: int) -> NDArray[np.float64]:
    """Return genre probabilities, shape (examples, classes).

    Every batch is filled up to the same size. For another size another graph would be compiled,
    which rounds differently, and which one is used would depend on what was asked before.
    """
    found, last = [], len(examples) - 1
    for start in range(0, len(examples), batch_size):
        rows = np.minimum(np.arange(start, start + batch_size), last)
        batch = {name: values[rows] for name, values in examples.inputs.items()}
        found.append(model.predict_on_batch(batch))
    return np.concatenate(found)[: len(examples)].astype(np.float64)


class _Loop:
    def __init__(
        self, material: TrainingData, trainer: TrainerSettings, folder: Path, devices: Devices
    ) -> None:
        self._model = material.model
        self._batches = material.batches
        self._validation = material.validation
        self._trainer = trainer
        self._folder = folder
        self._devices = devices
        devices.ensure_alike(material.model, material.batches, trainer)
        self._learning = devices.copied(material.model)
        with devices.scope():
            self._optimizer = build_optimizer(devices.adapted(trainer), material.batches.steps)
            self._optimizer.build(self._learning.trainable_variables)
        learner = Learner(self._learning, self._optimizer, trainer.label_smoothing, self._weights())
        self._step = devices.step(learner)
        self._best: Arrays = []
        self.progress = Progress()

    @property
    def finished(self) -> bool:
        patience = self._trainer.patience
        stalled = patience is not None and self.progress.wait >= patience
        return self.progress.epoch >= self._trainer.epochs or stalled

    def restore(self) -> None:
        chief = self._devices.chief
        stored = self._devices.resumed(checkpoints.load(self._folder) if chief else None)
        if stored is None:
            return
        with self._devices.scope():
            _assign(self._learning.variables, stored.model)
            _assign(self._optimizer.variables, stored.optimizer)
        self._bring_up_to_date()
        self._best = stored.best
        self.progress = stored.progress
        say(
            f"going on after epoch {self.progress.epoch}"
            + (f", step {self.progress.step}" if self.progress.step else "")
        )

    def epoch(self, display: Display, stop: StopRequest) -> None:
        progress = self.progress
        started, saved = time.monotonic() - progress.epoch_seconds, time.monotonic()
        for inputs, targets in self._batches.epoch(progress.epoch, progress.step):
            self._train(inputs, targets)
            progress.epoch_seconds = time.monotonic() - started
            display.step(
                progress.epoch + 1,
                progress.step,
                progress.loss_sum / progress.seen,
                progress.correct / progress.seen,
            )
            if self._devices.agree(stop.received is not None):
                self._save()
                raise Interrupted(
                    f"stopped in epoch {progress.epoch + 1} after step {progress.step} of "
                    f"{self._batches.steps}; {_GO_ON}"
                )
            if time.monotonic() - saved > 60 * self._trainer.checkpoint_minutes:
                self._save()
                saved = time.monotonic()
        self._finish_epoch(display)

    def stop_if_requested(self, stop: StopRequest) -> None:
        """Stop if asked to since the last step; the epoch's own checkpoint is written."""
        if self._devices.agree(stop.received is not None):
            raise Interrupted(
                f"stopped after epoch {self.progress.epoch} of {self._trainer.epochs}; {_GO_ON}"
            )

    def use_best(self) -> None:
        _assign(self._model.variables, self._best)

    def _train(self, inputs: Any, targets: Any) -> None:
        loss, correct = self._step(inputs, targets)
        progress, count = self.progress, int(targets.shape[0])
        place = f"in epoch {progress.epoch + 1}"
        _require_finite("training", float(loss), f"{place}, step {progress.step + 1}")
        progress.step += 1
        progress.loss_sum += float(loss) * count
        progress.correct += int(correct)
        progress.seen += count

    def _finish_epoch(self, display: Display) -> None:
        progress = self.progress
        validation_started = time.monotonic()
        self._bring_up_to_date()
        loss, accuracy = self._validated()
        # The last step of an epoch may ruin the weights, which no training loss shows any more.
        _require_finite("validation", loss, f"in epoch {progress.epoch + 1}")
        progress.epoch_seconds += time.monotonic() - validation_started
        row = {
            "epoch": progress.epoch + 1,
            "loss": progress.loss_sum / progress.seen,
            "accuracy": progress.correct / progress.seen,
            "validation_loss": loss,
            "validation_accuracy": accuracy,
            "learning_rate": current_rate(self._optimizer),
            "seconds": round(progress.epoch_seconds, 3),
        }
        best = self._judge(loss if self._trainer.monitor == "loss" else -accuracy)
        progress.history.append(row)
        progress.epoch += 1
        progress.seconds += progress.epoch_seconds
        progress.step, progress.loss_sum, progress.correct, progress.seen = 0, 0.0, 0, 0
        progress.epoch_seconds = 0.0
        self._save()
        display.epoch(row, best=best)

    def _judge(self, value: float) -> bool:
        """Keep the weights if `value` (smaller is better) is the best so far; steer the rate."""
        progress = self.progress
        if progress.best_value is None or value < progress.best_value:
            progress.best_value, progress.best_epoch = value, progress.epoch + 1
            progress.wait = progress.plateau_wait = 0
            self._best = _values(self._model.variables)
            return True
        progress.wait += 1
        progress.plateau_wait += 1
        schedule = self._trainer.schedule
        if schedule.name == "plateau" and progress.plateau_wait >= schedule.patience:
            rate = current_rate(self._optimizer) * schedule.factor
            lowest = min(schedule.minimum, current_rate(self._optimizer))
            with self._devices.scope():
                self._optimizer.learning_rate = max(rate, lowest)
            progress.plateau_wait = 0
        return False

    def _bring_up_to_date(self) -> None:
        """Give the network what its copies on several devices have learnt."""
        if self._learning is not self._model:
            _assign(self._model.variables, _values(self._learning.variables))

    def _validated(self) -> tuple[float, float]:
        # Hosts that round differently would not select the same epoch.
        own = self._validate() if self._devices.chief else (0.0, 0.0)
        loss, accuracy = self._devices.of_chief(np.array(own)).tolist()
        return loss, accuracy

    def _validate(self) -> tuple[float, float]:
        found = probabilities(self._model, self._validation, self._trainer.batch_size)
        targets = self._validation.targets
        true = np.clip(found[np.arange(len(targets)), targets], 1e-7, 1)
        return float(-np.log(true).mean()), float((found.argmax(axis=1) == targets).mean())

    def _weights(self) -> NDArray[np.float32]:
        n_classes = self._batches.n_classes
        if self._trainer.class_weights == "none":
            return np.ones(n_classes, dtype=np.float32)
        return class_weights(self._batches.examples.targets, n_classes)

    def _save(self) -> None:
        if not self._devices.chief:
            return
        moment = Checkpoint(
            self.progress,
            _values(self._learning.variables),
            _values(self._optimizer.variables),
            self._best,
        )
        checkpoints.save(self._folder, moment)


def _require_finite(part: str, loss: float, place: str) -> None:
    if not math.isfinite(loss):
        raise RunError(
            f"the {part} loss is {loss} {place}; lower trainer.optimizer.learning_rate or set "
            "trainer.optimizer.clip_norm=1"
        )


def _values(variables: list[Any]) -> Arrays:
    return [variable.numpy() for variable in variables]


def _assign(variables: list[Any], values: Arrays) -> None:
    if len(variables) != len(values):
        raise RunError(
            f"the checkpoint has {len(values)} arrays where the model has {len(variables)}; it "
            "comes from another version; start over with force=true"
        )
    for variable, value in zip(variables, values, strict=True):
        if tuple(variable.shape) != value.shape:
            raise RunError(
                f"the checkpoint has an array {value.shape} where {variable.path} of the model is "
                f"{tuple(variable.shape)}; it comes from another version; start over with "
                "force=true"
            )
        variable.assign(value)
