"""Live progress of a training: a table row an epoch, a bar for the epoch in progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from genrecls.console import log, messages, say

if TYPE_CHECKING:
    from rich.progress import Progress


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
    def __init__(self, bar: Progress, epochs: int, steps: int) -> None:
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
