"""What several trainings of a sweep need, made once before any of them starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from genrecls.experiment.experiment import Experiment
from genrecls.experiment.prepare import extract_features, prepare
from genrecls.sweeps.job import Job
from genrecls.sweeps.plan import data_key


def prepare_shared(jobs: Iterable[Job]) -> None:
    """Fetch weights, extract features and make distorted copies for trainings that will start.

    Everything goes where the trainings look for it, by the code that they use; a training that is
    started alone would do the same for itself.

    Raises:
        ConfigError: a tracker is not installed.
        ModelFileError: weights to begin with cannot be had.
        DataError: the cache cannot be written.
    """
    experiments = [job.experiment for job in jobs]

    def features_key(experiment: Experiment) -> Any:
        resolved = experiment.resolved()
        return [data_key(experiment), resolved["segment"], resolved["features"]]

    def copies_key(experiment: Experiment) -> Any:
        # Copies are made of the training part alone, with the seed of the run.
        resolved = experiment.resolved()
        return [*features_key(experiment), *(resolved[key] for key in ("augment", "split", "seed"))]

    def make_copies(experiment: Experiment) -> None:
        dataset = experiment.dataset.load(experiment.data_root)
        prepare(experiment, dataset, copies=True)

    _once(experiments, lambda e: e.resolved()["logger"], lambda e: e.logger.require())
    _once(experiments, lambda e: e.resolved()["model"], lambda e: e.model.fetch())
    _once(experiments, features_key, lambda e: extract_features(e, e.dataset.load(e.data_root)))
    distorted = [experiment for experiment in experiments if experiment.augment.audio.active]
    _once(distorted, copies_key, make_copies)


def _once(
    experiments: Iterable[Experiment],
    key: Callable[[Experiment], Any],
    work: Callable[[Experiment], object],
) -> None:
    """Do the work for one of all experiments that share a key."""
    chosen = {json.dumps(key(each), sort_keys=True): each for each in experiments}
    for experiment in chosen.values():
        work(experiment)
