"""`tensorboard`: event files of a run: scalars, configuration, hyperparameters and figures.

See https://www.tensorflow.org/tensorboard; `tensorboard --logdir outputs` shows all runs.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from genrecls.models import tensorflow_setup
from genrecls.runs.run import Run
from genrecls.trackers.base import LOGGERS, Logger, flat_settings
from genrecls.trackers.scores import final_scores, provenance_tags
from genrecls.training.callbacks import Callback, StopReason, TrainingPlan
from genrecls.training.checkpoint import Progress


@LOGGERS.register("tensorboard")
@dataclass(frozen=True)
class TensorboardLogger(Logger):
    """Event files.

    Attributes:
        figures: whether the figures of the report are written too.
    """

    figures: bool

    PACKAGES: ClassVar[tuple[str, ...]] = ("tensorboard",)

    def callbacks(self, run: Run, settings: Mapping[str, Any]) -> Sequence[Callback]:
        """Return the writer of the event files."""
        return (EventFiles(run, settings, figures=self.figures),)


class EventFiles(Callback):
    """Callback that writes event files; the step of everything is the epoch."""

    title = "logger=tensorboard"

    def __init__(self, run: Run, settings: Mapping[str, Any], *, figures: bool) -> None:
        self._run = run
        self._settings = settings
        self._figures = figures
        self._writer: Any = None
        self._written = 0
        # All runs are shown beside each other, and a sweep says it once.
        root = run.folder.parent
        every = root / "*" / run.events_folder.name
        command = f"tensorboard --logdir {shlex.quote(str(root))}"
        self.location = f"{every}; show all runs with: {command}"

    def on_stage_start(self, progress: Progress, plan: TrainingPlan) -> None:  # noqa: ARG002
        """Take what an earlier attempt left."""
        self.on_epoch_end(progress)

    def on_epoch_end(self, progress: Progress) -> None:
        """Write the epochs that are new; those of an earlier attempt are written anew."""
        # A run that was finished before is reported without a training.
        tensorflow_setup.configure_tensorflow()
        import tensorflow as tf
        from tensorboard.plugins.hparams import api

        if self._writer is None:
            # A file of its own: two attempts in one folder would draw their curves twice.
            shutil.rmtree(self._run.events_folder, ignore_errors=True)
            self._writer = tf.summary.create_file_writer(str(self._run.events_folder))
            settings = flat_settings(self._settings)
            with self._writer.as_default(step=0):
                api.hparams(settings, trial_id=self._run.name)
                tf.summary.text("configuration", _table(settings))
        with self._writer.as_default():
            for row in progress.history[self._written :]:
                for name, value in row.items():
                    if name != "epoch":
                        tf.summary.scalar(name, value, step=int(row["epoch"]))
        self._written = progress.epoch
        self._writer.flush()

    def on_finish(self, metrics: Mapping[str, Any]) -> None:
        """Write the final scores and the figures."""
        import tensorflow as tf

        with self._writer.as_default(step=self._written):
            tf.summary.text("result", _table(provenance_tags(metrics)))
            for name, value in final_scores(metrics).items():
                tf.summary.scalar(name, value)
            for path in sorted(self._run.figures_folder.glob("*.png")) if self._figures else ():
                picture = tf.io.decode_png(path.read_bytes(), channels=3)
                tf.summary.image(path.stem, picture[tf.newaxis])
        self._writer.close()

    def on_stop(self, reason: StopReason) -> None:  # noqa: ARG002
        """Close the file; the next attempt writes another."""
        if self._writer is not None:
            self._writer.close()


def _table(settings: Mapping[str, Any]) -> str:
    """Return a Markdown table, which TensorBoard shows as one."""
    rows = (f"| {key} | {value} |" for key, value in settings.items())
    return "\n".join(("| key | value |", "| --- | --- |", *rows))
