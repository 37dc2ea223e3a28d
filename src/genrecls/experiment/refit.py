"""The settings of finished runs trained once more on all tracks: a model to use, not to score.

No track is left to select or to test, so the model has no score of its own. What its file says are
the means of the runs, whose tests its settings have passed; the more folds they cover, the nearer
they are to what the model is worth.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import geometric_mean, median
from typing import TYPE_CHECKING, Any

import numpy as np

from genrecls.comparison.leaderboard import System, compare
from genrecls.console import say
from genrecls.errors import RunError
from genrecls.evaluation.predictions import held_out_answers
from genrecls.experiment.experiment import Experiment, needs_validation
from genrecls.experiment.prepare import PreparedData, prepare
from genrecls.experiment.restore import ensure_parts_of, restore
from genrecls.experiment.teacher import find_teacher
from genrecls.experiment.teacher_answers import teach
from genrecls.experiment.train import fit_model
from genrecls.files.hashing import text_digest
from genrecls.files.locks import locked
from genrecls.models.sklearn import Sklearn
from genrecls.runs.ensemble_card import KERAS_FILE, Member
from genrecls.runs.find import REFIT, is_pattern
from genrecls.runs.metrics import united
from genrecls.runs.model_file import ModelCard, load, save
from genrecls.runs.record import read
from genrecls.runs.result_tables import as_predictions, read_predictions
from genrecls.runs.run import Run
from genrecls.runtime.abstention import HeldOutAnswers
from genrecls.splits.base import Split, SplitInput, Splitter
from genrecls.training.callbacks import Callback, Callbacks, TrainingDisplay
from genrecls.training.distribution import devices_for

if TYPE_CHECKING:
    import keras

NAME = "refit"


@dataclass(frozen=True)
class AllTracks(Splitter):
    """Every track trains. Not an option of `train`, whose runs all have a score."""

    name: str = "all"

    def assign(self, data: SplitInput, seed: int) -> Split:  # noqa: ARG002 - nothing is drawn
        """Return the split whose other parts are empty."""
        every = {t.id: np.arange(data.segment_counts[t.id]) for t in data.dataset.tracks}
        parts = {"train": every, "validation": {}, "test": {}}
        return Split(self.name, parts, frozenset(), "")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Refit:
    """A model that learnt from all tracks.

    Attributes:
        folder: what is kept of it, beside the runs.
        runs: those that its settings were scored in, by seed and fold.
        system: the same with their scores together.
        model: the network.
        card: what the file says of it.
        data: all tracks, as the train part.
        experiment: what it was trained by.
    """

    folder: Path
    runs: tuple[Run, ...]
    system: System
    model: keras.Model
    card: ModelCard
    data: PreparedData
    experiment: Experiment

    @property
    def file(self) -> Path:
        """The model file."""
        return self.folder / KERAS_FILE


def refit(
    runs: Sequence[Run],
    name: str = "",
    *,
    data_root: str = "data",
    dataset_root: str | None = None,
    display: Sequence[Callback] | None = None,
) -> Refit:
    """Train the settings of finished runs on all tracks of their data, or find what was trained.

    It takes as many epochs as the runs did in the median, and their temperature, if they have one.

    Args:
        runs: of one configuration; they may differ in seed and fold. The first seed is that of the
            training.
        name: what the model is called; by default as its folder.
        data_root: where data sets and the feature cache live.
        dataset_root: where the data set is now, if it was moved.
        display: what shows the training; None shows it in the terminal.

    Raises:
        RunError: a run is not finished, they are no runs of one configuration, or the model is none
            that can be trained without a validation part; their teacher is not there.
        DataError: the data are not there.
    """
    display = [TrainingDisplay()] if display is None else display
    system = _system(runs)
    by_name = {run.name: run for run in runs}
    ordered = tuple(by_name[record.name] for record in system.runs)
    members = [asdict(Member.of(run.model_file)) for run in ordered]
    digest = text_digest(json.dumps([name, *members]), 8)
    title = ordered[0].name.rpartition("-")[0]
    folder = ordered[0].folder.parent / f"{title}{REFIT}{digest}"

    restored = restore(ordered[0], data_root, dataset_root)
    experiment = _experiment(restored.experiment, system)
    teacher_name = experiment.run.teacher
    if teacher_name and is_pattern(experiment.output_root, teacher_name):
        raise RunError(
            f"{NAME}: the runs have a teacher for each fold (teacher='{teacher_name}'), and a "
            "model that learns from all tracks has none of these; train students of one teacher, "
            "such as teacher=msd_musicnn"
        )
    busy = f"{folder.name} is being trained by another process now; wait for it"
    with locked(folder.parent / ".locks" / f"{folder.name}.lock", patience=1.0, busy=busy):
        data = prepare(experiment, restored.dataset, restored.store, copies=True)
        ensure_parts_of(restored, data)
        card = _card(name or folder.name, experiment, data, system, ordered)
        if (folder / KERAS_FILE).is_file():
            say(f"{folder.name} is trained already")
            model, _ = load(folder / KERAS_FILE)
        else:
            if teacher := find_teacher(experiment, restored.metrics.dataset.fingerprint):
                teacher.fetch()
                data = teach(experiment, data, restored.store, teacher)
            model = _train(experiment, data, folder, display)
            if temperature := _temperature(system):
                from genrecls.training.calibration import apply_temperature, require_softmax

                require_softmax(model)
                apply_temperature(model, temperature)
                say(f"temperature {temperature:.2f}, the mean of the runs")
        # Of one that was there, too: its card may say more by now.
        save(folder / KERAS_FILE, model, card)
        # Not before the model is there.
        shutil.rmtree(Run(folder).checkpoint_folder, ignore_errors=True)
    return Refit(folder, ordered, system, model, card, data, experiment)


def _system(runs: Sequence[Run]) -> System:
    """Return runs as the one system that they are.

    Raises:
        RunError: they are several, or cannot be trained without a validation part.
    """
    if not runs:
        raise RunError(f"{NAME}: expected finished runs, received none; 'genrecls runs' lists them")
    for run in runs:
        if run.is_ensemble:
            raise RunError(f"{NAME}: run {run.name} is an ensemble; name its runs instead")
    boards = compare([read(run) for run in runs], "validation", "test")
    systems = [system for board in boards for system in board.systems]
    if len(systems) > 1:
        names = " and ".join(system.runs[0].name for system in systems[:2])
        raise RunError(
            f"{NAME}: expected runs of one configuration, which differ in seed and fold alone, "
            f"received {len(systems)} configurations, such as those of {names}"
        )
    return systems[0]


def _experiment(experiment: Experiment, system: System) -> Experiment:
    """Return what is trained: the same, as long as the runs were, with nothing selected."""
    reason = needs_validation(experiment)
    if isinstance(experiment.model, Sklearn):
        reason = "an estimator; its run can be used as it is"
    if reason:
        raise RunError(f"{NAME}: {system.runs[0].name} is {reason}")
    epochs = round(median(record.metrics.selection.epoch for record in system.runs))
    trainer = experiment.trainer.without_validation(epochs)
    return replace(experiment, split=AllTracks(), trainer=trainer)


def _train(
    experiment: Experiment, data: PreparedData, folder: Path, display: Sequence[Callback]
) -> keras.Model:
    experiment.model.fetch()
    devices = devices_for("single", experiment.trainer.fixed_threads)
    checkpoints = Run(folder).checkpoint_folder
    return fit_model(checkpoints, experiment, data, devices, Callbacks(display)).model


def _temperature(system: System) -> float | None:
    """Return the temperature that the runs had in the geometric mean; None where one has none."""
    fitted = [record.metrics.selection.temperature for record in system.runs]
    known = [temperature for temperature in fitted if temperature is not None]
    return geometric_mean(known) if len(known) == len(fitted) else None


def _card(
    name: str, experiment: Experiment, data: PreparedData, system: System, runs: Sequence[Run]
) -> ModelCard:
    first = system.runs[0].metrics
    return ModelCard(
        labels=data.dataset.labels,
        features=experiment.features,
        segment=experiment.segment,
        vote=experiment.run.vote,
        run=name,
        dataset=data.dataset.name,
        split=first.split.name,
        leaks=united([record.metrics.split for record in system.runs]).leaks,
        generated=data.dataset.generated,
        # That of a teacher, too, of which `data` need not know yet.
        pretraining=first.model.pretraining,
        test=mean_scores(system),
        refit={
            "runs": len(system.runs),
            "tracks": len(data.dataset.tracks),
            "interval": list(system.interval("test")),
        },
        held_out=asdict(_held_out(runs, data.dataset.labels)),
    )


def _held_out(runs: Sequence[Run], labels: Sequence[str]) -> HeldOutAnswers:
    """Return what the runs answered to their test parts, one answer a track.

    Those of another seed are left out: they would say of each track once more what is known.
    So cross-conformal prediction does (V. Vovk, 2015): the folds have other models, which learnt
    from less, and tell what the refit is worth.
    """
    first: dict[str, Any] = {}
    for run in sorted(runs, key=lambda run: (run.read_metrics().seed, run.name)):
        for example in read_predictions(run.predictions_file("tracks"), "test", labels):
            first.setdefault(example.track, example)
    examples = as_predictions([*first.values()], labels)
    return held_out_answers(f"test parts of {len(runs)} runs", examples)


def mean_scores(system: System) -> Mapping[str, Any]:
    """Return accuracy and macro-F1 of the test parts, by unit, the means over the runs."""
    return {
        unit: {name: system.score("test", name, unit).mean for name in ("accuracy", "macro_f1")}
        for unit in ("segment", "track")
    }
