"""A training from its configuration to its finished run, from top to bottom."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from genrecls.console import log_file, say, several, warn
from genrecls.environment import environment
from genrecls.evaluation.prediction_tables import mistakes
from genrecls.evaluation.predictions import held_out_answers
from genrecls.experiment.experiment import Experiment
from genrecls.experiment.more_epochs import begin_with, can_go_on
from genrecls.experiment.run_id import run_folder
from genrecls.experiment.teacher import find_teacher
from genrecls.features.extract import fingerprint
from genrecls.files.tables import write_json, write_rows, write_yaml
from genrecls.models.sklearn import Sklearn
from genrecls.models.tensorflow_setup import numerics
from genrecls.runs.record import read
from genrecls.runs.run import Run
from genrecls.splits.base import EVALUATED_PARTS, EvaluatedPart, Part, known_artists
from genrecls.trackers.base import SWEEP
from genrecls.training import checkpoint
from genrecls.training.callbacks import (
    Callback,
    Callbacks,
    ProgressFile,
    TrainingDisplay,
    notify_on_stop,
)
from genrecls.training.checkpoint import Progress
from genrecls.training.distribution import devices_for

if TYPE_CHECKING:
    from genrecls.datasets.base import Dataset
    from genrecls.experiment.evaluate import PartPredictions
    from genrecls.experiment.prepare import PreparedData
    from genrecls.features.cache import FeatureStore
    from genrecls.runs.metrics import RunMetrics
    from genrecls.runtime.abstention import HeldOutAnswers
    from genrecls.training.distribution import Devices
    from genrecls.training.stages import TrainingResult


def train(
    experiment: Experiment,
    command: str,
    display: Sequence[Callback] | None = None,
    source: Run | None = None,
) -> Run | None:
    """Train and evaluate, continue where an earlier attempt stopped, or find the finished run.

    Args:
        experiment: what to train, on what, and how.
        command: the command line that does the same, kept in the run.
        display: what shows the training; None shows it in the terminal.
        source: a finished run with fewer epochs, from whose end it goes on.

    Returns:
        The finished run; None on a host that only helps the chief of a cluster.

    Raises:
        GenreclsError: what is wrong with the data, the model or the machine, as one line.
    """
    from genrecls.experiment.prepare import load_dataset_checked, store_of
    from genrecls.experiment.split_table import write_split_table

    display = [TrainingDisplay()] if display is None else display
    devices = devices_for(experiment.trainer.strategy, experiment.trainer.fixed_threads)
    if not devices.chief:
        _help_chief(experiment, devices, display)
        return None

    # The data, and the run that this configuration has on them.
    store = store_of(experiment)
    dataset = load_dataset_checked(experiment, store)
    digest = fingerprint(dataset, store.digests)
    run = Run(run_folder(experiment, digest))
    sweep = os.environ.get(SWEEP, "")
    with run.locked():
        if not devices.agree(experiment.run.force or not run.finished):
            say(f"this configuration is trained already ({run.name}); force=true trains it again")
            if not sweep:
                run.leave_search()
            _tell_again(run, experiment)
            return run
        if experiment.run.force and run.state:
            run.set_aside()
        run.folder.mkdir(parents=True, exist_ok=True)
        with log_file(run.log_file), run.recorded(command, sweep):
            say(f"run {run.name}")
            if dataset.generated:
                say(f"data {dataset.provenance.title}")
            if source is not None:
                begin_with(source, run, experiment, digest)
            write_settings(run, experiment)
            experiment.model.fetch()

            # Features, split, leak check, examples, what a teacher says of them.
            started = time.monotonic()
            data, whole = _prepare(experiment, dataset, store, digest)
            write_split_table(run.split_file, experiment.split, dataset, data)
            seconds = {"features": time.monotonic() - started}

            # Everybody who follows the training hears of each epoch, and of how it ends.
            trackers = experiment.logger.callbacks(run, experiment.resolved())
            callbacks = Callbacks([*display, ProgressFile(run.progress_file), *trackers])
            with notify_on_stop(callbacks):
                result = fit_model(run.checkpoint_folder, experiment, data, devices, callbacks)
                # Each part is answered once, and validation before it may learn, too.
                answers = _answer("validation", experiment, data, result)
                if whole:
                    result = _refit(
                        run.checkpoint_folder,
                        experiment,
                        whole,
                        result,
                        devices,
                        Callbacks(display),
                    )
                answers |= _answer("test", experiment, data, result)
                result = replace(result, seconds={**seconds, **result.seconds})
                metrics = _write_results(run, experiment, data, result, answers, digest)
                callbacks.on_finish(metrics.to_json())
        # Not before the run is marked as finished: until then it may have to be taken up again.
        if can_go_on(experiment) and not run.search:
            checkpoint.keep_newest(run.checkpoint_folder)
        else:
            shutil.rmtree(run.checkpoint_folder, ignore_errors=True)
    return run


def _tell_again(run: Run, experiment: Experiment) -> None:
    """Tell trackers of a finished run and draw its figures, as its command asks for them now."""
    from genrecls.reports.run import draw_again

    report_to_trackers(run, experiment)
    draw_again(run, experiment.figures)


def _prepare(
    experiment: Experiment, dataset: Dataset, store: FeatureStore, digest: str
) -> tuple[PreparedData, PreparedData | None]:
    """Return the data and, for `trainer.refit`, those whose train part has validation in it.

    Both with what a teacher says of what is learnt from.
    """
    from genrecls.experiment.prepare import prepare, with_validation
    from genrecls.experiment.teacher_answers import teach

    # What must be fetched for it is missed before hours of work.
    teacher = find_teacher(experiment, digest)
    if teacher:
        teacher.fetch()
    data = prepare(experiment, dataset, store, copies=True)
    whole = with_validation(experiment, data, store) if experiment.trainer.refit else None
    if teacher:
        data = teach(experiment, data, store, teacher)
        whole = whole and teach(experiment, whole, store, teacher)
    return data, whole


def fit_model(
    checkpoints: Path,
    experiment: Experiment,
    data: PreparedData,
    devices: Devices,
    callback: Callback,
) -> TrainingResult:
    """Train by gradient steps, or by the fit of an estimator; both give a network.

    Args:
        checkpoints: folder of the checkpoints.
        experiment: what to train, and how.
        data: the examples; without a validation part nothing is selected.
        devices: where it learns.
        callback: follows it.

    Raises:
        GenreclsError: what `stages.fit` and `fit_estimator` raise.
    """
    from genrecls.training.estimator import EstimatorTask, fit_estimator
    from genrecls.training.frozen_outputs import backbone_root
    from genrecls.training.stages import Task, TrainingPaths, fit

    family, seed = experiment.model, experiment.run.seed
    shapes = experiment.segment.shapes(experiment.features)
    n_classes, trainer = len(data.dataset.labels), experiment.trainer
    training, validation = data.parts["train"], data.parts.get("validation")
    if isinstance(family, Sklearn):
        estimator = EstimatorTask(
            family=family,
            shapes=shapes,
            n_classes=n_classes,
            trainer=trainer,
            seed=seed,
            training=training,
            validation=validation,
            artists=known_artists(data.dataset.tracks),
            outputs=backbone_root(experiment.data_root),
        )
        return fit_estimator(estimator, callback)
    if idle := experiment.augment.without_effect(shapes.values()):
        warn(
            f"augment: {', '.join(idle)} change frames, which features={experiment.features.name} "
            "do not have: the training is as without"
        )
    say(f"training on {devices.title}")
    task = Task(
        family=family,
        shapes=shapes,
        n_classes=n_classes,
        trainer=trainer,
        augment=experiment.augment,
        seed=seed,
        training=training if data.training is None else data.training,
        validation=validation,
        distillation=data.distillation,
    )
    paths = TrainingPaths(checkpoints, backbone_root(experiment.data_root))
    return fit(task, paths, devices, callback)


def _refit(
    checkpoints: Path,
    experiment: Experiment,
    whole: PreparedData,
    selected: TrainingResult,
    devices: Devices,
    callback: Callback,
) -> TrainingResult:
    """Train from the beginning on train and validation parts, as validation has selected.

    The progress that is returned is that of the selection.
    """
    from genrecls.training.calibration import apply_temperature

    trainer, epochs = experiment.trainer, selected.kept_epoch
    tracks = len(set(whole.parts["train"].tracks))
    say(f"training once more, on train and validation parts together: {several(tracks, 'track')}")
    again = replace(experiment, trainer=trainer.without_validation(epochs))
    result = fit_model(checkpoints / "refit", again, whole, devices, callback)
    if selected.temperature is not None:
        apply_temperature(result.model, selected.temperature)
    seconds = {**selected.seconds, "refit": sum(result.seconds.values())}
    return replace(selected, model=result.model, settings=result.settings, seconds=seconds)


def _answer(
    part: EvaluatedPart, experiment: Experiment, data: PreparedData, result: TrainingResult
) -> dict[Part, PartPredictions]:
    from genrecls.experiment.evaluate import predict_part
    from genrecls.training.frozen_outputs import backbone_root, skip_frozen

    root = backbone_root(experiment.data_root)
    model, examples = skip_frozen(result.model, result.frozen, data.parts[part], root)
    return {part: predict_part(model, examples, experiment.trainer.batch_size, experiment.run.vote)}


def _write_results(
    run: Run,
    experiment: Experiment,
    data: PreparedData,
    result: TrainingResult,
    predictions: Mapping[Part, PartPredictions],
    digest: str,
) -> RunMetrics:
    """Score the answers to validation and test and write everything; `metrics.json` comes last."""
    from genrecls.experiment.evaluate import run_metrics, score_part, write_predictions
    from genrecls.explain.examples_per_genre import choose_examples, explain_examples
    from genrecls.reports.figure_files import figures_as
    from genrecls.reports.run import RunReport, write_report
    from genrecls.runs.model_file import ModelCard, save

    started = time.monotonic()
    labels = data.dataset.labels
    parts = {
        part: score_part(predictions[part], data.parts["train"], labels, data.artists_apart)
        for part in EVALUATED_PARTS
    }
    seconds = {**result.seconds, "evaluation": time.monotonic() - started}
    result = replace(result, seconds=seconds)
    metrics = run_metrics(experiment, data, result, parts, fingerprint=digest)

    held_out: dict[str, HeldOutAnswers] = {
        part: held_out_answers(part, its.tracks) for part, its in predictions.items()
    }
    card = ModelCard(
        labels=labels,
        features=experiment.features,
        segment=experiment.segment,
        vote=experiment.run.vote,
        run=run.name,
        dataset=data.dataset.name,
        split=data.split.name,
        leaks=data.leaks,
        generated=data.dataset.generated,
        pretraining=data.pretraining,
        test=asdict(metrics.test),
        held_out=asdict(held_out["validation"]),
    )
    save(run.model_file, result.model, card)
    write_rows(run.history_file, result.progress.history)
    paths = {track.id: track.path for track in data.dataset.tracks}
    files = {level: run.predictions_file(level) for level in ("segments", "tracks")}
    write_predictions(files, metrics, predictions, paths, data.artists_apart)
    say("drawing the report")
    features, length = experiment.features, experiment.segment.length
    report = RunReport(
        name=run.name,
        metrics=metrics,
        history=result.progress.history,
        mistakes=mistakes(predictions["test"].tracks, labels, paths),
        examples=choose_examples(data.parts["train"], labels, features.axes, length),
        evidence=explain_examples(result.model, features, data.parts["test"], labels, length),
        config_yaml=run.config_file.read_text(encoding="utf-8"),
        environment=run.read_environment(),
        command=str(run.state.get("command", "")),
        answers=held_out,
    )
    with figures_as(experiment.figures):
        write_report(run, report)
    write_json(run.metrics_file, metrics.to_json())
    return metrics


def write_settings(run: Run, experiment: Experiment) -> None:
    """Write configuration and versions; warn where an interrupted run continues under others.

    Weights depend on the processor, too, on threads and on whose kernels compute.
    """
    plugins = {f"plugin {name}": digest for name, digest in experiment.plugins.items()}
    now = {**environment(), **numerics(), **plugins}
    if run.checkpoint_folder.is_dir():
        before = run.read_environment()
        # Cores decide by the number of threads alone, which earlier versions did not record.
        harmless = {"cores"} if "threads" in before else {"cpu", "threads"}
        changed = [
            f"{name} {before.get(name, 'none')} is now {now.get(name, 'none')}"
            for name in sorted({*before, *now} - harmless)
            if before.get(name) != now.get(name)
        ]
        if before and changed:
            warn(f"this run continues, but perhaps not bit for bit: {', '.join(changed)}")
    write_yaml(run.config_file, experiment.resolved())
    write_json(run.environment_file, now)


def _help_chief(experiment: Experiment, devices: Devices, display: Sequence[Callback]) -> None:
    """Take the steps of a host that is not the chief, which alone leaves anything."""
    from genrecls.experiment.prepare import store_of

    if not devices.agree(wish=False):
        say("this configuration is trained already; the chief has the results")
        return
    dataset = experiment.dataset.load(experiment.data_root)
    experiment.model.fetch()
    store = store_of(experiment)
    digest = fingerprint(dataset, store.digests)
    data, whole = _prepare(experiment, dataset, store, digest)
    with TemporaryDirectory(prefix="genrecls-") as folder:
        checkpoints = Path(folder, "checkpoint")
        result = fit_model(checkpoints, experiment, data, devices, Callbacks(display))
        if whole:
            _refit(checkpoints, experiment, whole, result, devices, Callbacks(display))
    say("the training is done; the chief has the results")


def report_to_trackers(run: Run, experiment: Experiment) -> None:
    """Report a run to its trackers that was finished before, perhaps without them."""
    trackers = experiment.logger.callbacks(run, experiment.resolved())
    if not trackers:
        return
    record = read(run)
    rows = [
        {key: int(value) if key in {"epoch", "stage"} else value for key, value in row.items()}
        for row in record.history
    ]
    callbacks = Callbacks(trackers)
    callbacks.on_epoch_end(Progress(epoch=len(rows), history=rows))
    callbacks.on_finish(record.metrics.to_json())


def say_where_trackers_wrote(runs: Iterable[tuple[Run, Experiment]]) -> None:
    """Say once for all finished runs of a sweep what each says at its end, in its own log.

    A trial of an earlier call may have lost its folder since then; nobody goes on with it.
    """
    lines = [
        line
        for run, experiment in runs
        if run.state
        for line in Callbacks(experiment.logger.callbacks(run, experiment.resolved())).locations
    ]
    for line in dict.fromkeys(lines):
        say(line)
