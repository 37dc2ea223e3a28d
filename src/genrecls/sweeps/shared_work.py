"""What several trainings of a sweep need, made once before any of them starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from genrecls.experiment.experiment import Experiment
from genrecls.experiment.prepare import extracted, prepare, with_copies
from genrecls.sweeps.job import Record
from genrecls.sweeps.plan import data_key


def prepare_shared(records: Iterable[Record]) -> None:
    """Fetch weights, extract features and make distorted copies for trainings that are to come.

    Before that it is seen to that the trackers they want are installed.

    Everything goes where the trainings look for it, by the code that they use, so that they find
    it there; a training that is started alone would do the same for itself.

    Raises:
        ConfigError: a tracker is not installed.
        ModelFileError: weights to begin with cannot be had.
        DataError: the cache cannot be written.
    """
    experiments = [record.job.experiment for record in records]
    _once(experiments, lambda e: e.resolved()["logger"], lambda e: e.logger.require())
    _once(experiments, lambda e: e.resolved()["model"], lambda e: e.model.fetch())
    _once(experiments, _features_key, _extract)
    distorted = [e for e in experiments if e.augment.audio.active]
    _once(distorted, _copies_key, _distort)


def _once(
    experiments: Iterable[Experiment],
    key: Callable[[Experiment], Any],
    work: Callable[[Experiment], object],
) -> None:
    """Do the work for one of all experiments that share a key."""
    chosen = {json.dumps(key(experiment), sort_keys=True): experiment for experiment in experiments}
    for experiment in chosen.values():
        work(experiment)


def _features_key(experiment: Experiment) -> Any:
    resolved = experiment.resolved()
    return [data_key(experiment), resolved["segment"], resolved["features"]]


def _copies_key(experiment: Experiment) -> Any:
    resolved = experiment.resolved()
    # Copies are made of the training part alone, with the seed of the run.
    chosen = [resolved[key] for key in ("augment", "split", "seed")]
    return [*_features_key(experiment), *chosen]


def _extract(experiment: Experiment) -> None:
    extracted(experiment, experiment.dataset.load(experiment.data_root))


def _distort(experiment: Experiment) -> None:
    dataset = experiment.dataset.load(experiment.data_root)
    with_copies(experiment, prepare(experiment, dataset))
