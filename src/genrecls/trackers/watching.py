"""Everybody who follows a run: the terminal, the file of its progress, the chosen tracker."""

from __future__ import annotations

from genrecls.experiment.experiment import Experiment
from genrecls.runs.run import Run
from genrecls.training.callbacks import Callbacks, ProgressFile, TrainingDisplay
from genrecls.training.checkpoint import Progress

_COUNTS = {"epoch", "stage"}


def callbacks_of(run: Run, experiment: Experiment) -> Callbacks:
    """Return the display, the progress file and the trackers of a training."""
    trackers = experiment.logger.callbacks(run, experiment.resolved())
    return Callbacks([TrainingDisplay(), ProgressFile(run.progress), *trackers])


def report_to_trackers(run: Run, experiment: Experiment) -> None:
    """Report a run to its trackers that was finished before, perhaps without them."""
    trackers = experiment.logger.callbacks(run, experiment.resolved())
    if not trackers:
        return
    from genrecls.runs.record import read

    record = read(run)
    rows = [
        {key: int(x) if key in _COUNTS else x for key, x in row.items()} for row in record.history
    ]
    callbacks = Callbacks(trackers)
    callbacks.on_epoch_end(Progress(epoch=len(rows), history=rows))
    callbacks.on_finish(record.metrics)
