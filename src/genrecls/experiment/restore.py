"""A finished run with its configuration and its own data, as they were when it was trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genrecls.datasets.base import Dataset
from genrecls.errors import ConfigError, DataError, RunError
from genrecls.experiment.experiment import Experiment, parse
from genrecls.experiment.prepare import PreparedData
from genrecls.features.cache import FeatureStore, cache_root
from genrecls.features.extract import fingerprint
from genrecls.runs.ensemble_card import refuse_ensemble
from genrecls.runs.metrics import RunMetrics
from genrecls.runs.run import Run


@dataclass(frozen=True)
class RestoredRun:
    """What a finished run was trained on.

    Attributes:
        metrics: its scores and what was recorded of its data.
        store: where features are kept; it has taken the digests of the data.
    """

    run: Run
    experiment: Experiment
    dataset: Dataset
    metrics: RunMetrics
    store: FeatureStore


def restore(run: Run, data_root: str, dataset_root: str | None) -> RestoredRun:
    """Return configuration and data of a finished run.

    Args:
        run: the run.
        data_root: where data sets and the feature cache live now.
        dataset_root: where the data set is now, if it was moved.

    Raises:
        RunError: the run is not finished, or the data are not what it was trained on.
        DataError: the data are not there.
    """
    metrics = run.read_metrics()
    refuse_ensemble(run.model_file)
    experiment = _experiment(run, data_root, dataset_root)
    try:
        dataset = experiment.dataset.load(experiment.data_root)
    except DataError as error:
        raise DataError(
            f"{error}; here dataset_root=<folder> says where the data of run {run.name} are now"
        ) from None
    store = FeatureStore(cache_root(experiment.data_root))
    if metrics.dataset.fingerprint != fingerprint(dataset, store.digests):
        raise RunError(
            f"run {run.name}: the data are not those that it was trained on (files, genres, "
            "artists or published parts differ); point to the right ones with dataset_root=<folder>"
        )
    return RestoredRun(run, experiment, dataset, metrics, store)


def ensure_parts_of(run: RestoredRun, data: PreparedData) -> None:
    """Check that the data were prepared without the same files as for the training of a run.

    Which files cannot be used depends on the decoders that are installed, and decides the split:
    with others, tracks of the test part may have trained.

    Raises:
        RunError: other files are left out now; names the first.
    """
    then = {file.track for file in run.metrics.rejected}
    now = {file.track for file in data.rejected}
    if differing := sorted(then ^ now):
        first = differing[0]
        what = "cannot be used here" if first in now else "was left out then and is not here"
        raise RunError(
            f"run {run.run.name}: expected the files that it was trained on, but {first} {what} "
            f"({len(differing)} in all), so that what is tested may have trained; use the decoders "
            f"that it had ({run.run.environment_file.name}), or train again with force=true"
        )


def _experiment(run: Run, data_root: str, dataset_root: str | None) -> Experiment:
    values = run.read_config()
    values["data_root"] = data_root
    # Where its teacher is looked for, wherever both have been copied to.
    values["output_root"] = str(run.folder.parent)
    # What computed the features need not be here; older runs do not say it at all.
    values["backend"] = "threads"
    if dataset_root is not None:
        values["dataset"]["root"] = dataset_root
    elif values["dataset"].get("name") == "synth":
        # Generated data have no folder to choose; those of older runs are made again, bit for bit.
        values["dataset"]["root"] = None
    return read_experiment(run, values)


def read_experiment(run: Run, values: Mapping[str, Any]) -> Experiment:
    """Return the experiment of a run from its configuration, in which something may have changed.

    Raises:
        RunError: this version cannot read it.
    """
    try:
        return parse(values)
    except ConfigError as error:
        raise RunError(
            f"run {run.name}: this version of genrecls cannot read its configuration ({error}); "
            f"use the one that trained it, and the --plugin files that it had (both are in "
            f"{run.environment_file.name}), or train again"
        ) from None
