"""How far a training is, as a file that other processes read while it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from genrecls.files.atomic import replacing
from genrecls.training.callbacks import Stop
from genrecls.training.checkpoint import Progress

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
