"""`genrecls train`: one configuration, one run folder."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from genrecls.config.compose import run_hydra
from genrecls.console import log_file, say, show, warn
from genrecls.datasets.base import Dataset
from genrecls.environment import environment
from genrecls.errors import DataError, Interrupted
from genrecls.experiment.experiment import Experiment, parse
from genrecls.experiment.run_id import run_folder
from genrecls.models.base import Normalisation
from genrecls.runs.run import Run
from genrecls.sweeps import parent_watch
from genrecls.trackers.watching import callbacks_of, report_to_trackers
from genrecls.training.callbacks import Callback, Callbacks, TrainingDisplay, notify_on_stop
from genrecls.training.distribution import Devices, devices_for

if TYPE_CHECKING:
    from genrecls.experiment.prepare import PreparedData
    from genrecls.training.stages import TrainingResult


def main(words: Sequence[str]) -> int:
    """Train what the overrides in `words` describe; Hydra's own flags work too."""
    parent_watch.stop_with_parent()
    run_hydra("train", words, lambda composed: train(parse(composed), _command(words)))
    return 0


def _command(words: Sequence[str]) -> str:
    """Return the command line that makes the present job alone."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    job = HydraConfig.get()
    own = {}
    if job.mode == RunMode.MULTIRUN:
        own = {override.partition("=")[0]: override for override in job.overrides.task}
        words = [word for word in words if word not in {"-m", "--multirun"}]
    chosen = [own.get(word.partition("=")[0], word) for word in words]
    return f"genrecls train {shlex.join(chosen)}".rstrip()


def train(experiment: Experiment, command: str) -> Run | None:
    """Train and evaluate, go on where an earlier attempt stopped, or show a finished run.

    Returns:
        The run; None where `show=true` only shows the model.
    """
    if experiment.run.show:
        show_model(experiment)
        return None
    devices = devices_for(experiment.trainer.strategy)
    if not devices.chief:
        _help(experiment, devices)
        return None
    run = finished(experiment, command, devices)
    run.point_latest()
    from genrecls.cli.run_summary import summary

    show(summary(run))
    return run


def finished(experiment: Experiment, command: str, devices: Devices) -> Run:
    """Return the finished run of `experiment`, trained now unless it is there already."""
    from genrecls.experiment.prepare import load_dataset_checked

    dataset = load_dataset_checked(experiment)
    run = run_of(experiment, dataset)
    with run.locked():
        wanted = experiment.run.force or not run.finished
        if not devices.agree(wanted):
            say(f"this configuration is trained already ({run.name}); force=true trains it again")
            report_to_trackers(run, experiment)
        else:
            if experiment.run.force and run.state:
                run.set_aside()
            _train_in(run, experiment, dataset, command, devices)
    return run


def run_of(experiment: Experiment, dataset: Dataset) -> Run:
    """Return the run of `experiment` on `dataset`, whether or not it was ever started."""
    from genrecls.features.cache import FeatureStore, cache_root
    from genrecls.features.extract import fingerprint

    digest = fingerprint(dataset, FeatureStore(cache_root(experiment.data_root)).digests)
    return Run(run_folder(experiment, digest))


def _train_in(
    run: Run, experiment: Experiment, dataset: Dataset, command: str, devices: Devices
) -> None:
    run.folder.mkdir(parents=True, exist_ok=True)
    with log_file(run.log), _recorded(run, command):
        say(f"run {run.name}")
        if dataset.generated:
            say(f"data {dataset.provenance.title}")
        _write_settings(run, experiment)
        experiment.model.fetch()
        from genrecls.experiment.prepare import prepare, with_copies

        started = time.monotonic()
        prepared = with_copies(experiment, prepare(experiment, dataset))
        extracted = time.monotonic()
        from genrecls.experiment.evaluate import Trained, write_results

        callbacks = callbacks_of(run, experiment)
        with notify_on_stop(callbacks):
            fitted = _fit(run, experiment, prepared, devices, callbacks)
            seconds = {"features": extracted - started, **fitted.seconds}
            rounded = {name: round(s, 2) for name, s in seconds.items()}
            trained = Trained(fitted.model, fitted.progress, rounded)
            write_results(run, experiment, prepared, trained)
            callbacks.on_finish(run.read_metrics())
    # Not before the run is marked as finished: until then it may have to be taken up again.
    shutil.rmtree(run.checkpoints, ignore_errors=True)


def _fit(
    run: Run, experiment: Experiment, prepared: PreparedData, devices: Devices, callback: Callback
) -> TrainingResult:
    from genrecls.training.frozen_outputs import backbone_root
    from genrecls.training.stages import Task, TrainingPaths, fit

    task = Task(
        family=experiment.model,
        shapes=experiment.segment.shapes(experiment.features),
        n_classes=len(prepared.dataset.labels),
        trainer=experiment.trainer,
        augment=experiment.augment,
        seed=experiment.run.seed,
        training=prepared.parts["train"],
        validation=prepared.parts["validation"],
    )
    places = TrainingPaths(run.checkpoints, backbone_root(experiment.data_root))
    return fit(task, places, devices, callback)


def _help(experiment: Experiment, devices: Devices) -> None:
    """Take the steps of a host that is not the chief, which alone leaves anything."""
    if not devices.agree(wish=False):
        say("this configuration is trained already; the chief has the results")
        return
    from genrecls.experiment.prepare import prepare, with_copies

    dataset = experiment.dataset.load(experiment.data_root)
    experiment.model.fetch()
    prepared = with_copies(experiment, prepare(experiment, dataset))
    with TemporaryDirectory(prefix="genrecls-") as folder:
        _fit(Run(Path(folder)), experiment, prepared, devices, Callbacks([TrainingDisplay()]))
    say("the training is done; the chief has the results")


def show_model(experiment: Experiment) -> None:
    """Print layers, parameters and multiply-accumulates of the model; no data are needed."""
    from rich.table import Table

    from genrecls.models import tensorflow_setup
    from genrecls.models.cost import layer_costs

    tensorflow_setup.configure_tensorflow()
    shapes = experiment.segment.shapes(experiment.features)
    unit = {
        name: Normalisation(np.zeros(shape[-1]), np.ones(shape[-1]))
        for name, shape in shapes.items()
    }
    classes = _count_genres(experiment)
    costs = layer_costs(experiment.model.build(shapes, classes, unit))
    table = Table(title=f"{experiment.model.name}, {classes} genres, one segment", show_footer=True)
    table.add_column("layer", footer="total")
    table.add_column("kind")
    table.add_column("output")
    table.add_column("parameters", justify="right", footer=f"{sum(c.parameters for c in costs):,}")
    table.add_column(
        "multiply-accumulates", justify="right", footer=f"{sum(c.macs for c in costs):,}"
    )
    for cost in costs:
        shape = " x ".join(map(str, cost.output))
        table.add_row(cost.name, cost.kind, shape, f"{cost.parameters:,}", f"{cost.macs:,}")
    show(table)


def _count_genres(experiment: Experiment) -> int:
    """Return the genres of the data where they are at hand, else ten, which is usual."""
    if not experiment.dataset.made_on_demand:
        with suppress(DataError):
            return len(experiment.dataset.load(experiment.data_root).labels)
    return 10


def _write_settings(run: Run, experiment: Experiment) -> None:
    import yaml

    from genrecls.files.atomic import write_text
    from genrecls.files.tables import write_json

    found = environment()
    if run.checkpoints.is_dir():
        _warn_of_changes(run, found)
    write_text(run.config, yaml.safe_dump(experiment.resolved(), sort_keys=False))
    write_json(run.environment, found)


def _warn_of_changes(run: Run, found: dict[str, str]) -> None:
    """Say where an interrupted run goes on under other versions than it began with."""
    with suppress(OSError, ValueError):
        before = run.read_environment()
        changed = [
            f"{name} {before.get(name, 'none')} is now {found.get(name, 'none')}"
            for name in sorted({*before, *found})
            if before.get(name) != found.get(name)
        ]
        if changed:
            warn(f"this run goes on, but perhaps not bit for bit: {', '.join(changed)}")


@contextmanager
def _recorded(run: Run, command: str) -> Iterator[None]:
    """Keep the state of the run true, however the block ends."""
    run.mark("running", command=command)
    try:
        yield
    except (Interrupted, KeyboardInterrupt):
        _mark(run, "interrupted")
        raise
    except BaseException as error:
        _mark(run, "failed", reason=str(error) or type(error).__name__)
        raise
    run.mark("finished")


def _mark(run: Run, status: Any, **facts: str) -> None:
    # The disk may be what failed; the first error is the one to report.
    with suppress(OSError):
        run.mark(status, **facts)
