"""Everybody who watches a run: the file of its progress, and the tracker that was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from genrecls.experiment.experiment import Experiment
from genrecls.runs.run import Run
from genrecls.training.callbacks import Observers, ProgressFile, notify_on_stop
from genrecls.training.checkpoint import Progress

_COUNTS = {"epoch", "stage"}


@contextmanager
def watched(run: Run, experiment: Experiment) -> Iterator[Observers]:
    """Yield the observers of a training, who also hear of it where the block ends with an error."""
    trainer = experiment.trainer
    epochs = sum(stage.epochs or trainer.epochs for stage in experiment.model.stages())
    file = ProgressFile(run.progress, epochs, trainer.monitor)
    observers = Observers([file, *experiment.logger.observers(run, experiment.resolved())])
    with notify_on_stop(observers):
        yield observers


def report_to_trackers(run: Run, experiment: Experiment) -> None:
    """Tell the tracker of a run that was finished before, perhaps without it."""
    watching = experiment.logger.observers(run, experiment.resolved())
    if not watching:
        return
    from genrecls.runs.record import read

    found = read(run)
    rows = [
        {key: int(x) if key in _COUNTS else x for key, x in row.items()} for row in found.history
    ]
    observers = Observers(watching)
    observers.observe(Progress(epoch=len(rows), history=rows))
    observers.finished(found.metrics)
