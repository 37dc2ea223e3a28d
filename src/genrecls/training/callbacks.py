"""What follows a training: the terminal, `progress.json`, trackers, a function of the user.

Everybody who follows a training is a `Callback`; `Callbacks` are several of them as one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from genrecls.console import log, messages, say, warn
from genrecls.errors import Interrupted
from genrecls.files.atomic import replacing
from genrecls.training.checkpoint import Progress
from genrecls.training.settings import Monitor

StopReason = Literal["interrupted", "failed"]


@dataclass(frozen=True)
class TrainingPlan:
    """How long a training may last and what it selects by.

    Attributes:
        epochs: at most so many, over all stages.
        steps: batches an epoch.
        monitor: validation figure that selects the best epoch.
    """

    epochs: int
    steps: int
    monitor: Monitor


class Callback:
    """What a training calls while it runs. Every method does nothing until it is overridden.

    A training has one stage or several; epochs are numbered through all of them. `progress` is
    changed by the training after the call, so what is needed later must be copied.

    Attributes:
        title: what to call it in a warning.
        location: one line that says where it writes, with the command that shows it, for the end
            of a training; empty where nothing needs to be said.
    """

    title: str = "callback"
    location: str = ""

    def on_stage_start(self, progress: Progress, plan: TrainingPlan) -> None:
        """Begin to follow a stage.

        Args:
            progress: what earlier stages and earlier attempts left, perhaps nothing. Its epochs
                may have been reported before.
            plan: of the whole training.
        """

    def on_step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Follow a step.

        Args:
            epoch: number of the epoch, from 1.
            step: finished steps of this epoch.
            loss: mean over the epoch so far.
            accuracy: mean over the epoch so far.
        """

    def on_epoch_end(self, progress: Progress) -> None:
        """Follow an epoch; its checkpoint is written by now."""

    def on_stage_end(self) -> None:
        """Finish following a stage, whether it came to its end or was stopped."""

    def on_finish(self, metrics: Mapping[str, Any]) -> None:
        """Take the final scores; everything else is in the run folder by now.

        Args:
            metrics: content of `metrics.json`.
        """

    def on_stop(self, reason: StopReason) -> None:
        """Close what is open: the training ended without a result and may be resumed."""


class Callbacks(Callback):
    """Several callbacks as one. One that fails is left out with a warning: the training matters."""

    def __init__(self, callbacks: Sequence[Callback] = ()) -> None:
        self._callbacks = list(callbacks)

    def on_stage_start(self, progress: Progress, plan: TrainingPlan) -> None:
        """Call all."""
        self._call(lambda callback: callback.on_stage_start(progress, plan))

    def on_step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Call all."""
        self._call(lambda callback: callback.on_step(epoch, step, loss, accuracy))

    def on_epoch_end(self, progress: Progress) -> None:
        """Call all."""
        self._call(lambda callback: callback.on_epoch_end(progress))

    def on_stage_end(self) -> None:
        """Call all."""
        self._call(lambda callback: callback.on_stage_end())

    def on_finish(self, metrics: Mapping[str, Any]) -> None:
        """Call all, and say where those wrote that have all of the run."""
        self._call(lambda callback: callback.on_finish(metrics))
        for line in self.locations:
            say(line)

    @property
    def locations(self) -> list[str]:
        """Where they write, a line each with the command that shows it."""
        return [f"{each.title}: {each.location}" for each in self._callbacks if each.location]

    def on_stop(self, reason: StopReason) -> None:
        """Call all."""
        self._call(lambda callback: callback.on_stop(reason))

    def _call(self, method: Callable[[Callback], None]) -> None:
        for callback in list(self._callbacks):
            try:
                method(callback)
            except Exception as error:  # noqa: BLE001 - whatever a tracker's library raises
                self._callbacks.remove(callback)
                reason = " ".join(str(error).split()) or type(error).__name__
                warn(f"{callback.title} gets no more of this run: {reason}")


@contextmanager
def notify_on_stop(callback: Callback) -> Iterator[None]:
    """Call `on_stop` where the block ends with an error."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt):
        callback.on_stop("interrupted")
        raise
    except BaseException:
        callback.on_stop("failed")
        raise


class FunctionCallback(Callback):
    """A function that is called with the progress, at the start and after each epoch.

    Args:
        function: takes the progress of the training.
    """

    title = "the progress function"

    def __init__(self, function: Callable[[Progress], object]) -> None:
        self._function = function

    def on_stage_start(self, progress: Progress, plan: TrainingPlan) -> None:  # noqa: ARG002
        """Call the function."""
        self._function(progress)

    def on_epoch_end(self, progress: Progress) -> None:
        """Call the function."""
        self._function(progress)


class TrainingDisplay(Callback):
    """A line an epoch in the log and on the terminal, where a progress bar is below it."""

    title = "the display"

    def __init__(self) -> None:
        self._bar: Any = None

    def on_stage_start(self, progress: Progress, plan: TrainingPlan) -> None:  # noqa: ARG002
        """Show the bar, if there is a terminal."""
        self._plan = plan
        self._validation = ""
        console = messages()
        if not console.is_terminal:
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        # Whatever has no room at the end of the line is cut off: never the bar and the time.
        rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=10),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("at most"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[state]}", table_column=rest),
        )
        self._bar = Progress(*columns, console=console, transient=True, expand=True)
        self._task = self._bar.add_task("training", total=plan.epochs * plan.steps, state="")
        self._bar.start()

    def on_step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(
                self._task,
                completed=(epoch - 1) * self._plan.steps + step,
                description=f"epoch {epoch}/{self._plan.epochs}",
                state=f"accuracy {accuracy:.3f}{self._validation}, train loss {loss:.4f}",
            )

    def on_epoch_end(self, progress: Progress) -> None:
        """Write the line of the epoch, above the bar."""
        row = progress.history[-1]
        validation = ""
        if "validation_loss" in row:
            validation = (
                f"validation {row['validation_loss']:.3f} {row['validation_accuracy']:.3f}  "
            )
            self._validation = f" (validation {row['validation_accuracy']:.3f})"
        # 80 characters at most with three digits of epochs and of seconds.
        line = (
            f"epoch {int(row['epoch']):>3}/{self._plan.epochs}  "
            f"loss {row['loss']:.3f} accuracy {row['accuracy']:.3f}  "
            f"{validation}"
            f"{row['seconds']:.1f} s{'  best' if progress.best_epoch == progress.epoch else ''}"
        )
        if self._bar is None:
            say(line)
        else:
            log.info(line)
            self._bar.console.print(line)

    def on_stage_end(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class ProgressFile(Callback):
    """Keeps `progress.json` up to date.

    The file is there as long as a run is unfinished; afterwards `history.csv` has its rows.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.title = path.name

    def on_stage_start(self, progress: Progress, plan: TrainingPlan) -> None:
        """Write how far the training is."""
        self._plan = plan
        self._write(progress)

    def on_epoch_end(self, progress: Progress) -> None:
        """Write how far the training is."""
        self._write(progress)

    def on_finish(self, metrics: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    def _write(self, progress: Progress) -> None:
        epochs, monitor = self._plan.epochs, self._plan.monitor
        columns = ("epoch", "validation_accuracy", "validation_loss")
        rows = [{name: row[name] for name in columns} for row in progress.history]
        best = None
        if progress.best_epoch:
            value = progress.history[progress.best_epoch - 1][f"validation_{monitor}"]
            best = {"epoch": progress.best_epoch, "value": value, "monitor": monitor}
        # To the last epoch, if no patience runs out; unknown before the first.
        left = None
        if progress.epoch:
            left = round(progress.seconds / progress.epoch * (epochs - progress.epoch), 2)
        content = {
            **(rows[-1] if rows else dict.fromkeys(columns)),
            "epoch": progress.epoch,
            "epochs": epochs,
            "best": best,
            "seconds": round(progress.seconds, 2),
            "seconds_left": left,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
            "history": rows,
        }
        text = json.dumps(content, allow_nan=False)
        # Written again after the next epoch: not worth waiting for the disk.
        with replacing(self.path, durable=False) as beside:
            beside.write_text(text + "\n", encoding="utf-8")
