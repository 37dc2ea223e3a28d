"""Who watches a training: told after every epoch how far it is, and at last how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

from genrecls.console import warn
from genrecls.errors import Interrupted
from genrecls.training.checkpoint import Progress

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
def told_of_a_stop(observers: Observers) -> Iterator[None]:
    """Tell the observers where the block ends with an error."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt):
        observers.stopped("interrupted")
        raise
    except BaseException:
        observers.stopped("failed")
        raise


def unobserved(_progress: Progress) -> None:
    """Watch nothing."""
