"""Who watches a training: told after every epoch how far it is, and at last how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from genrecls.console import log, messages, say, warn
from genrecls.errors import Interrupted
from genrecls.files.atomic import replacing
from genrecls.training.checkpoint import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

Watch = Callable[[Progress], None]
"""What a training calls with how far it is, see `Observer.observe`."""

Stop = Literal["interrupted", "failed"]


class Observer(Protocol):
    """What somebody who watches a training is told."""

    @property
    def title(self) -> str:
        """What to call it in a warning."""

    def observe(self, progress: Progress) -> None:
        """Take note of how far the training is.

        Called once before the first step, with what an earlier attempt left (perhaps nothing), and
        after each finished epoch. A row of the history may therefore have been seen before.

        Args:
            progress: of all stages together, their epochs numbered through; it is changed after
                the call.
        """

    def finished(self, metrics: Mapping[str, Any]) -> None:
        """Take note of the scores; everything else is in the run folder by now.

        Args:
            metrics: content of `metrics.json`.
        """

    def stopped(self, how: Stop) -> None:
        """Take note that the training ended without a result; it may be taken up again."""


class Observers:
    """Several observers as one; one that fails is left out, for a training matters more."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = list(observers)

    def observe(self, progress: Progress) -> None:
        """Tell all how far the training is."""
        self._tell(lambda observer: observer.observe(progress))

    def finished(self, metrics: Mapping[str, Any]) -> None:
        """Tell all the scores."""
        self._tell(lambda observer: observer.finished(metrics))

    def stopped(self, how: Stop) -> None:
        """Tell all that there is no result."""
        self._tell(lambda observer: observer.stopped(how))

    def _tell(self, call: Callable[[Observer], None]) -> None:
        for observer in list(self._observers):
            try:
                call(observer)
            except Exception as error:  # noqa: BLE001 - whatever the library of a tracker raises
                self._observers.remove(observer)
                reason = " ".join(str(error).split()) or type(error).__name__
                warn(f"{observer.title} gets no more of this run: {reason}")


@contextmanager
def notify_on_stop(observers: Observers) -> Iterator[None]:
    """Tell the observers where the block ends with an error."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt):
        observers.stopped("interrupted")
        raise
    except BaseException:
        observers.stopped("failed")
        raise


def ignore_progress(_progress: Progress) -> None:
    """Watch nothing."""


class Display(Protocol):
    """What the loop tells whoever watches."""

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Report the running means of the epoch in progress after one step."""

    def epoch(self, row: Mapping[str, float], *, best: bool) -> None:
        """Report a finished epoch."""


@contextmanager
def training_display(epochs: int, steps: int) -> Iterator[Display]:
    """Yield a live display on a terminal, plain lines elsewhere."""
    console = messages()
    if not console.is_terminal:
        yield _Lines(epochs)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("left at most"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Live(bar, epochs, steps)


def line(row: Mapping[str, float], epochs: int, *, best: bool) -> str:
    """Return one finished epoch as a line of text."""
    return (
        f"epoch {int(row['epoch']):>3}/{epochs}  "
        f"train loss {row['loss']:.4f} accuracy {row['accuracy']:.3f}  "
        f"validation loss {row['validation_loss']:.4f} accuracy {row['validation_accuracy']:.3f}  "
        f"{row['seconds']:.1f} s{'  *best' if best else ''}"
    )


class _Lines:
    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Say nothing: a line a step would fill a log."""

    def epoch(self, row: Mapping[str, float], *, best: bool) -> None:
        """Print the line of the epoch."""
        say(line(row, self._epochs, best=best))


class _Live:
    def __init__(self, bar: Bar, epochs: int, steps: int) -> None:
        self._bar = bar
        self._epochs = epochs
        self._steps = steps
        self._validation = ""
        self._task = bar.add_task("training", total=epochs * steps, state="")

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Move the bar."""
        self._bar.update(
            self._task,
            completed=(epoch - 1) * self._steps + step,
            description=f"epoch {epoch}/{self._epochs}",
            state=f"train loss {loss:.4f} accuracy {accuracy:.3f}{self._validation}",
        )

    def epoch(self, row: Mapping[str, float], *, best: bool) -> None:
        """Leave the line of the epoch above the bar."""
        self._validation = (
            f"  validation loss {row['validation_loss']:.4f} "
            f"accuracy {row['validation_accuracy']:.3f}"
        )
        text = line(row, self._epochs, best=best)
        log.info(text)
        self._bar.console.print(text)


_COLUMNS = ("epoch", "validation_accuracy", "validation_loss")


@dataclass(frozen=True)
class ProgressFile:
    """Observer that keeps `progress.json` true.

    The file is there as long as a run is unfinished; afterwards `history.csv` has its rows.

    Attributes:
        path: the file.
        epochs: at most so many in all stages.
        monitor: validation figure that selects the best epoch.
    """

    path: Path
    epochs: int
    monitor: Literal["loss", "accuracy"]

    @property
    def title(self) -> str:
        """The name of the file."""
        return self.path.name

    def observe(self, progress: Progress) -> None:
        """Write where the training stands."""
        text = json.dumps(self._facts(progress), allow_nan=False)
        # Written again after the next epoch: not worth waiting for the disk.
        with replacing(self.path, durable=False) as beside:
            beside.write_text(text + "\n", encoding="utf-8")

    def finished(self, metrics: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    def stopped(self, how: Stop) -> None:
        """Leave the file: the training may be taken up again."""

    def _facts(self, progress: Progress) -> dict[str, Any]:
        rows = [{name: row[name] for name in _COLUMNS} for row in progress.history]
        last = rows[-1] if rows else dict.fromkeys(_COLUMNS)
        return {
            **last,
            "epoch": progress.epoch,
            "epochs": self.epochs,
            "best": self._best(progress),
            "seconds": round(progress.seconds, 2),
            "seconds_left": self._seconds_left(progress),
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
            "history": rows,
        }

    def _best(self, progress: Progress) -> dict[str, Any] | None:
        if not progress.best_epoch:
            return None
        row = progress.history[progress.best_epoch - 1]
        value = row[f"validation_{self.monitor}"]
        return {"epoch": progress.best_epoch, "value": value, "monitor": self.monitor}

    def _seconds_left(self, progress: Progress) -> float | None:
        """Return seconds to the last epoch if no patience runs out; None before the first."""
        if not progress.epoch:
            return None
        return round(progress.seconds / progress.epoch * (self.epochs - progress.epoch), 2)
