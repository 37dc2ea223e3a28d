"""`none`: nobody but the run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genrecls.trackers.base import LOGGERS, Logger

if TYPE_CHECKING:
    from genrecls.runs.run import Run
    from genrecls.training.callbacks import Callback


@LOGGERS.register("none")
@dataclass(frozen=True)
class NoLogger(Logger):
    """No tracker."""

    def callbacks(self, run: Run, settings: Mapping[str, Any]) -> Sequence[Callback]:  # noqa: ARG002
        """Return nobody."""
        return ()
