"""The training loop: one step after another, stoppable after any, resumed bit for bit."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.console import say, warn
from genrecls.errors import Interrupted, RunError
from genrecls.training import checkpoint as checkpoints
from genrecls.training.batch_norm import fuse_batch_norms
from genrecls.training.batches import BatchMaker
from genrecls.training.callbacks import Callback, TrainingPlan
from genrecls.training.checkpoint import Arrays, Checkpoint, Progress
from genrecls.training.data import Examples, class_weights
from genrecls.training.distillation import Distillation, without_projection
from genrecls.training.distribution import Devices
from genrecls.training.interrupts import StopRequest, stop_request
from genrecls.training.optimizer import build_optimizer, current_rate, lower_rate
from genrecls.training.settings import TrainerSettings
from genrecls.training.step import Learner

if TYPE_CHECKING:
    import keras

_HOW_TO_RESUME = "the same command (without force=true) continues from here"


@dataclass(frozen=True)
class TrainingData:
    """A network and the examples it learns from.

    Attributes:
        model: freshly built network; its variables are changed. Of one with a projection behind it
            only the probabilities are validated.
        batches: the training part.
        validation: the part that selects the best epoch; None where there is none.
        distillation: what is learnt from a teacher beside the genres.
    """

    model: keras.Model
    batches: BatchMaker
    validation: Examples | None
    distillation: Distillation | None = None


def fit(
    data: TrainingData,
    trainer: TrainerSettings,
    folder: Path,
    devices: Devices,
    callback: Callback,
) -> Progress:
    """Train until the end, or continue from the newest checkpoint in `folder`.

    Afterwards the model holds the weights of its best epoch, or of its last one where the settings
    say so; with `trainer.ema` their running average then.

    Raises:
        Interrupted: a stop signal came; a checkpoint was written.
        RunError: the loss is no longer a number, another host has gone, or the checkpoint is of
            another version.
    """
    steps = trainer.epochs * data.batches.steps
    if trainer.ema and (span := 1 / (1 - trainer.ema)) > steps:
        # Of the first weights e^-(steps / span) is left, more than a third.
        most = (
            f"choose at most {math.floor(1000 * (1 - 1 / steps)) / 1000:g}"
            if steps > 1
            else "use 0"
        )
        warn(
            f"trainer.ema: received {trainer.ema:g}, an average over about {span:,.0f} steps, of "
            f"which this training has at most {steps:,}: weights of its beginning count in the "
            f"trained model; {most}"
        )
    with devices.report_lost_hosts():
        loop = _Loop(data, trainer, folder, devices)
        loop.resume()
        plan = TrainingPlan(trainer.epochs, data.batches.steps, trainer.monitor)
        callback.on_stage_start(loop.progress, plan)
        try:
            with stop_request() as stop:
                while not loop.finished:
                    loop.train_epoch(stop, callback)
                    loop.end_epoch()
                    callback.on_epoch_end(loop.progress)
                    if devices.agree(stop.received is not None):
                        raise Interrupted(
                            f"stopped after epoch {loop.progress.epoch} of {trainer.epochs}; "
                            f"{_HOW_TO_RESUME}"
                        )
        finally:
            callback.on_stage_end()
        if loop.progress.epoch < trainer.epochs:
            say(
                f"early stopping after epoch {loop.progress.epoch} of {trainer.epochs}: "
                f"no better validation {trainer.monitor} for {trainer.patience} epochs"
            )
    if trainer.keep == "best":
        loop.use_best_weights()
    else:
        loop.use_last_weights()
    return loop.progress


def probabilities(model: keras.Model, examples: Examples, batch_size: int) -> NDArray[np.float64]:
    """Return genre probabilities, shape (examples, classes).

    Every batch is filled up to the same size. For another size another graph would be compiled,
    which rounds differently, and which one is used would depend on what was asked before.
    """
    outputs, last = [], len(examples) - 1
    for start in range(0, len(examples), batch_size):
        rows = np.minimum(np.arange(start, start + batch_size), last)
        batch = {name: values[rows] for name, values in examples.inputs.items()}
        outputs.append(model.predict_on_batch(batch))
    return np.concatenate(outputs)[: len(examples)].astype(np.float64)


def loss_and_accuracy(
    answers: NDArray[np.float64], targets: NDArray[np.int64]
) -> tuple[float, float]:
    """Return the mean loss in nats, and the share of right answers, of probabilities."""
    true = np.clip(answers[np.arange(len(targets)), targets], 1e-7, 1)
    return float(-np.log(true).mean()), float((answers.argmax(axis=1) == targets).mean())


class _Loop:
    """The state of a training between two steps, and what changes it.

    `self._model` is the network that is trained; `self._learning` is where its weights change: the
    network itself, or its copy on several devices.
    """

    def __init__(
        self, data: TrainingData, trainer: TrainerSettings, folder: Path, devices: Devices
    ) -> None:
        self._model = data.model
        self._student = without_projection(data.model)
        self._batches = data.batches
        self._validation = data.validation
        self._trainer = trainer
        self._folder = folder
        self._devices = devices
        devices.ensure_alike(data.model, data.batches, trainer)
        self._learning = devices.copy(data.model)
        fuse_batch_norms(self._learning)
        with devices.scope():
            self._optimizer = build_optimizer(devices.adapt(trainer), data.batches.steps)
            self._optimizer.build(self._learning.trainable_variables)
        n_classes = data.batches.n_classes
        weights = np.ones(n_classes, dtype=np.float32)
        if trainer.class_weights == "balanced":
            weights = class_weights(data.batches.drawn_genres, n_classes)
        smoothing = trainer.label_smoothing
        learner = Learner(self._learning, self._optimizer, smoothing, weights, data.distillation)
        self._step = devices.make_step(learner)
        self._best: Arrays = []
        self.progress = Progress()

    @property
    def finished(self) -> bool:
        """Whether all epochs are done or the patience has run out."""
        patience = self._trainer.patience
        stalled = patience is not None and self.progress.wait >= patience
        return self.progress.epoch >= self._trainer.epochs or stalled

    def resume(self) -> None:
        """Take over the newest checkpoint, if there is one."""
        own = checkpoints.load(self._folder) if self._devices.chief else None
        stored = self._devices.checkpoint_from_chief(own)
        if stored is None:
            return
        with self._devices.scope():
            _assign(self._learning.variables, stored.model)
            _assign(self._optimizer.variables, stored.optimizer)
        self._update_model()
        self._best = stored.best
        self.progress = stored.progress
        step = f", step {self.progress.step}" if self.progress.step else ""
        say(f"continuing after epoch {self.progress.epoch}{step}")

    def train_epoch(self, stop: StopRequest, callback: Callback) -> None:
        """Take the steps of the epoch that are left, with a checkpoint now and then."""
        progress = self.progress
        epoch = progress.epoch + 1
        started, saved = time.monotonic() - progress.epoch_seconds, time.monotonic()
        for inputs, targets in self._batches.epoch(progress.epoch, progress.step):
            loss, correct = self._step(inputs, targets)
            count = self._batches.count_labelled(targets)
            _require_finite("training", float(loss), f"in epoch {epoch}, step {progress.step + 1}")
            progress.step += 1
            progress.loss_sum += float(loss) * count
            progress.correct += int(correct)
            progress.seen += count
            progress.epoch_seconds = time.monotonic() - started
            # A batch of unlabelled music alone has nothing to count.
            seen = max(1, progress.seen)
            means = progress.loss_sum / seen, progress.correct / seen
            callback.on_step(epoch, progress.step, *means)
            if self._devices.agree(stop.received is not None):
                self._save()
                raise Interrupted(
                    f"stopped in epoch {epoch} after step {progress.step} of "
                    f"{self._batches.steps}; {_HOW_TO_RESUME}"
                )
            if time.monotonic() - saved > 60 * self._trainer.checkpoint_minutes:
                self._save()
                saved = time.monotonic()

    def end_epoch(self) -> None:
        """Validate, keep the weights if they are the best so far, steer the rate, save."""
        progress = self.progress
        started = time.monotonic()
        weights = self._average_weights()
        self._update_model()
        validation = self._validate()
        progress.epoch_seconds += time.monotonic() - started
        progress.history.append(
            {
                "epoch": progress.epoch + 1,
                "loss": progress.loss_sum / progress.seen,
                "accuracy": progress.correct / progress.seen,
                **validation,
                "learning_rate": current_rate(self._optimizer),
                "seconds": round(progress.epoch_seconds, 3),
            }
        )
        progress.epoch += 1
        progress.seconds += progress.epoch_seconds
        progress.step, progress.loss_sum, progress.correct, progress.seen = 0, 0.0, 0, 0
        progress.epoch_seconds = 0.0
        if validation:
            self._select(validation)
        if self._trainer.ema:
            with self._devices.scope():
                _assign(self._learning.trainable_variables, weights)
        self._save()

    def _select(self, validation: Mapping[str, float]) -> None:
        """Keep the weights if they are the best so far, and steer the rate."""
        progress, schedule = self.progress, self._trainer.schedule
        # Smaller is better.
        value = validation["validation_loss"]
        if self._trainer.monitor == "accuracy":
            value = -validation["validation_accuracy"]
        if progress.best_value is None or value < progress.best_value:
            progress.best_value, progress.best_epoch = value, progress.epoch
            progress.wait = progress.plateau_wait = 0
            self._best = _values(self._model.variables)
            return
        progress.wait += 1
        progress.plateau_wait += 1
        if schedule.name == "plateau" and progress.plateau_wait >= schedule.patience:
            with self._devices.scope():
                lower_rate(self._optimizer, schedule)
            progress.plateau_wait = 0

    def use_last_weights(self) -> None:
        """Give the network the weights after the last epoch."""
        self._average_weights()
        self._update_model()

    def use_best_weights(self) -> None:
        """Give the network the weights of its best epoch."""
        _assign(self._model.variables, self._best)

    def _average_weights(self) -> Arrays:
        """Replace the weights by their running average and return what they were.

        Without an average there is nothing to replace and to return.
        """
        if not self._trainer.ema:
            return []
        variables = self._learning.trainable_variables
        weights = _values(variables)
        with self._devices.scope():
            self._optimizer.finalize_variable_values(variables)
        return weights

    def _update_model(self) -> None:
        """Give the network what its copies on several devices have learnt."""
        if self._learning is not self._model:
            _assign(self._model.variables, _values(self._learning.variables))

    def _validate(self) -> dict[str, float]:
        """Return loss and accuracy of the validation part; nothing where there is none.

        They are the chief's: hosts that round differently would not select the same epoch.
        """
        if self._validation is None:
            return {}
        figures = np.zeros(2)
        if self._devices.chief:
            outputs = probabilities(self._student, self._validation, self._trainer.batch_size)
            figures = np.array(loss_and_accuracy(outputs, self._validation.targets))
        loss, accuracy = self._devices.from_chief(figures).tolist()
        # The last step of an epoch may ruin the weights, which no training loss shows any more.
        _require_finite("validation", loss, f"in epoch {self.progress.epoch + 1}")
        return {"validation_loss": loss, "validation_accuracy": accuracy}

    def _save(self) -> None:
        if self._devices.chief:
            model, optimizer = _values(self._learning.variables), _values(self._optimizer.variables)
            checkpoints.save(self._folder, Checkpoint(self.progress, model, optimizer, self._best))


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
