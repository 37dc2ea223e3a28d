"""From an estimator to a trained network: settings by inner folds, one fit, its layers."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genrecls.console import say, several
from genrecls.errors import ConfigError, Interrupted
from genrecls.models import tensorflow_setup
from genrecls.models.base import Shapes
from genrecls.models.decisions import row_layers, scale
from genrecls.models.estimators import Choice, Fit, fit
from genrecls.models.sklearn import Sklearn
from genrecls.rng import stream_seed
from genrecls.training.callbacks import Callback, TrainingPlan
from genrecls.training.checkpoint import Progress
from genrecls.training.data import Examples, class_weights, normalisation
from genrecls.training.frozen_outputs import INPUT, embed, skip_frozen
from genrecls.training.interrupts import stop_request
from genrecls.training.loop import loss_and_accuracy, probabilities
from genrecls.training.settings import TrainerSettings
from genrecls.training.stages import TrainingResult

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class EstimatorTask:
    """What is fitted, how and on what.

    Attributes:
        shapes: shape of each input.
        n_classes: number of genres.
        seed: run seed.
        training: the training part.
        validation: the part that is scored and decides nothing; None where it learns, too.
        artists: artist of each track id, where he is known.
        outputs: folder of what a backbone says of each example, see `frozen_outputs`.
    """

    family: Sklearn
    shapes: Shapes
    n_classes: int
    trainer: TrainerSettings
    seed: int
    training: Examples
    validation: Examples | None
    artists: Mapping[str, str]
    outputs: Path


@dataclass(frozen=True, eq=False)
class Rows:
    """The training part as an estimator takes it, distorted copies among it.

    Attributes:
        values: shape (examples, columns).
        weights: of each example; None where all count the same.
        fold: the inner fold of each example.
        copied: whether an example is a distorted copy, on which nothing is tried.
    """

    values: NDArray[np.float32]
    targets: NDArray[np.int64]
    weights: NDArray[np.float32] | None
    fold: NDArray[np.int64]
    copied: NDArray[np.bool_]

    def fit(self, task: EstimatorTask, choice: Choice, chosen: NDArray[np.bool_]) -> Fit:
        """Return the fit of a choice to some of the rows."""
        settings = task.family.settings(choice, stream_seed(task.seed, "weights"))
        weights = None if self.weights is None else self.weights[chosen]
        return fit(settings, self.values[chosen], self.targets[chosen], task.n_classes, weights)


@dataclass(frozen=True)
class TriedChoice:
    """A choice, tried on the inner folds.

    Attributes:
        sharpness: of the softmax over its scores, for the least loss.
        loss, accuracy: per segment, each decided by a fit to the other folds; infinite and 0 where
            no genre has two artists (or tracks), so that nothing can be tried.
    """

    choice: Choice
    sharpness: float = 1.0
    loss: float = np.inf
    accuracy: float = 0.0


def fit_estimator(task: EstimatorTask, callback: Callback) -> TrainingResult:
    """Choose the settings by folds of the training part, fit, and write down the fit as a network.

    Raises:
        ConfigError: there are fewer segments than neighbours to ask.
        Interrupted: Ctrl-C or SIGTERM came; the same command starts again.
    """
    tensorflow_setup.configure_tensorflow()
    tensorflow_setup.fresh(stream_seed(task.seed, "weights"))
    started = time.monotonic()
    pictures = {name for name, shape in task.shapes.items() if len(shape) > 1}
    frozen = None
    if task.family.backbone is None:
        statistics = normalisation(task.training, pictures)
        sources, row = row_layers(task.shapes, task.family.statistics, statistics)
    else:
        tagger = task.family.backbone.tagger()
        sources, row = tagger.frozen(task.shapes)
        frozen = tagger.embedding_layer
    rows = _rows(task, sources, row)

    # The settings: every choice is tried on each fold, fitted to the others.
    choices = _possible(task.family.choices(), rows)
    monitor, trials = task.trainer.monitor, []
    callback.on_stage_start(Progress(), TrainingPlan(1, len(choices), monitor))
    try:
        with stop_request("stopping after this fit; once more to stop at once") as stop:
            for number, choice in enumerate(choices, start=1):
                trials.append(_try(task, rows, choice))
                callback.on_step(1, number, trials[-1].loss, trials[-1].accuracy)
                if stop.received is not None:
                    raise Interrupted(
                        f"stopped after {number} of {len(choices)} settings; the same command "
                        "starts again"
                    )
        best = min(trials, key=lambda t: t.loss if monitor == "loss" else (-t.accuracy, t.loss))
        words = " ".join(f"{key}={value}" for key, value in best.choice.items())
        say(
            f"{task.family.title}: {words}, the best of {len(choices)} by {monitor} on inner folds "
            f"of the train part (loss {best.loss:.3f}, accuracy {best.accuracy:.3f})"
        )

        # The fit, as a network that takes the inputs as they are.
        learnt = rows.fit(task, best.choice, np.ones(len(rows.targets), bool))
        (single, *others) = task.shapes
        name = "normalise_columns" if pictures or others else f"normalise_{single}"
        answer = learnt.decision(best.sharpness).apply(scale(row, learnt.scaling, name))
        model = _network(sources, answer, task.family.estimator)
        progress = _progress(task, model, frozen, time.monotonic() - started)
        callback.on_epoch_end(progress)
    finally:
        callback.on_stage_end()
    seconds = {"training": progress.seconds}
    return TrainingResult(
        model, progress, seconds, progress.epoch, dict(best.choice), frozen=frozen
    )


def _network(
    sources: Mapping[str, keras.KerasTensor], output: keras.KerasTensor, name: str
) -> keras.Model:
    import keras

    return keras.Model(dict(sources), output, name=name)


def _rows(
    task: EstimatorTask, sources: Mapping[str, keras.KerasTensor], row: keras.KerasTensor
) -> Rows:
    """Return the rows of the training part and of its copies, with their inner folds."""
    training = task.training
    versions = [training.inputs, *training.copies]
    if any(row is source for source in sources.values()):
        (name,) = sources
        values = [np.asarray(inputs[name]) for inputs in versions]
    else:
        # What `divide` calls it, too: the name is a part of what finds its outputs again.
        network, batch = _network(sources, row, "backbone"), task.trainer.batch_size
        parts = [Examples(i, training.targets, training.tracks, training.starts) for i in versions]
        if task.family.backbone is None:
            values = [probabilities(network, part, batch).astype(np.float32) for part in parts]
        else:
            values = [embed(network, part, task.outputs).inputs[INPUT] for part in parts]

    targets, times = training.targets, len(versions)
    groups = [task.artists.get(track, track) for track in training.tracks]
    fold = _folds(targets, groups, task.family.folds, stream_seed(task.seed, "inner folds"))
    weights = None
    if task.trainer.class_weights == "balanced":
        weights = np.tile(class_weights(targets, task.n_classes)[targets], times)
    return Rows(
        values=np.concatenate(values),
        targets=np.tile(targets, times),
        weights=weights,
        fold=np.tile(fold, times),
        copied=np.repeat(np.arange(times) > 0, len(targets)),
    )


def _folds(
    targets: NDArray[np.int64], groups: Sequence[str], count: int, seed: int
) -> NDArray[np.int64]:
    """Return the fold of each example; groups are whole, genres spread as evenly as they can be."""
    from sklearn.model_selection import StratifiedGroupKFold

    count = min(count, len(set(groups)), int(np.bincount(targets).max()))
    folds = np.zeros(len(targets), np.int64)
    if count > 1:
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            # A genre of few examples is not in every fold.
            warnings.simplefilter("ignore", UserWarning)
            for number, (_, inside) in enumerate(splitter.split(targets, targets, groups)):
                folds[inside] = number
    return folds


def _possible(choices: Sequence[Choice], rows: Rows) -> list[Choice]:
    """Return the choices that the smallest inner fit has segments enough for."""
    sizes = [np.count_nonzero(rows.fold != fold) for fold in np.unique(rows.fold)]
    fewest = int(min(sizes)) or len(rows.fold)
    possible = [choice for choice in choices if choice.get("neighbours", 1) <= fewest]
    if not possible:
        raise ConfigError(
            f"model.neighbours: received {min(choice['neighbours'] for choice in choices)} and "
            f"more, but a fit has {several(fewest, 'segment')}; allowed: at most so many"
        )
    return possible


def _try(task: EstimatorTask, rows: Rows, choice: Choice) -> TriedChoice:
    """Return how good a choice is on examples whose artist (or track) its fits have not seen.

    Of a genre that only one fold has nothing can be learnt from the others, so it is not counted.
    """
    scores = np.zeros((len(rows.targets), task.n_classes))
    counted = np.zeros(len(rows.targets), bool)
    margins = False
    for fold in np.unique(rows.fold):
        inside, others = (rows.fold == fold) & ~rows.copied, rows.fold != fold
        inside &= np.isin(rows.targets, rows.targets[others])
        if not inside.any() or len(np.unique(rows.targets[others])) < 2:
            continue
        trial = rows.fit(task, choice, others)
        margins = trial.has_margins
        scores[inside] = trial.scores(rows.values[inside])
        counted |= inside
    if not counted.any():
        return TriedChoice(choice)
    scores, targets = scores[counted], rows.targets[counted]
    sharpness = _sharpness(scores, targets) if margins else 1.0
    return TriedChoice(choice, sharpness, *loss_and_accuracy(_softmax(scores * sharpness), targets))


def _sharpness(scores: NDArray[np.float64], targets: NDArray[np.int64]) -> float:
    """Return what scores are to be multiplied by for the least loss (C. Guo et al. 2017)."""
    from scipy.optimize import minimize_scalar

    def loss(exponent: float) -> float:
        return loss_and_accuracy(_softmax(scores * np.exp(exponent)), targets)[0]

    best = minimize_scalar(loss, bounds=(-5, 5), method="bounded")
    return float(np.exp(best.x))


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _progress(
    task: EstimatorTask, model: keras.Model, frozen: str | None, seconds: float
) -> Progress:
    """Return the only epoch, with the scores of the network on each part."""
    row: dict[str, float] = {"epoch": 1}
    for prefix, part in (("", task.training), ("validation_", task.validation)):
        if part is None:
            continue
        rest, examples = skip_frozen(model, frozen, part, task.outputs)
        answers = probabilities(rest, examples, task.trainer.batch_size)
        row[f"{prefix}loss"], row[f"{prefix}accuracy"] = loss_and_accuracy(answers, part.targets)
    row["seconds"] = round(seconds, 3)
    monitor = task.trainer.monitor
    value = row.get(f"validation_{monitor}")
    if value is not None and monitor == "accuracy":
        value = -value
    return Progress(epoch=1, seconds=seconds, history=[row], best_epoch=1, best_value=value)
