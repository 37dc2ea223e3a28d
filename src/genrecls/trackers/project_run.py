"""One run in a project of Weights & Biases or Trackio, which take the same calls.

Neither can always be asked what it has: offline there is nobody to ask. So what was told stands in
`.trackers/` of the output folder, and a resumed training tells no epoch twice.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any

from genrecls.files.atomic import write_text
from genrecls.files.tables import mapping_or_empty
from genrecls.runs.run import Run
from genrecls.trackers.base import flat_settings
from genrecls.trackers.scores import final_scores, provenance_tags
from genrecls.training.callbacks import Callback, StopReason, TrainingPlan
from genrecls.training.checkpoint import Progress


class ProjectRun(Callback):
    """Callback that tells a tracker's run every epoch and the final scores.

    Args:
        logger: name of the option, such as `wandb`.
        run: the run.
        settings: its resolved configuration.
        start: opens the tracker's run, given its configuration; called when there is something to
            tell. What it returns has `log(values, step=...)` and `finish()`.
        location: where the runs are, with the command that shows them.
    """

    def __init__(
        self,
        logger: str,
        run: Run,
        settings: Mapping[str, Any],
        start: Callable[[dict[str, Any]], Any],
        location: str,
    ) -> None:
        self.title, self.location = f"logger={logger}", location
        self._settings, self._start = settings, start
        self._note = run.folder.parent / ".trackers" / f"{run.name}.{logger}.json"
        # A run that was trained again with force=true is another one.
        self._created = str(run.state["created"])
        told = mapping_or_empty(self._note)
        self._told = told if told.get("created") == self._created else {}
        self._tracked: Any = None

    def on_stage_start(self, progress: Progress, plan: TrainingPlan) -> None:  # noqa: ARG002
        """Tell what an earlier attempt left untold."""
        self.on_epoch_end(progress)

    def on_epoch_end(self, progress: Progress) -> None:
        """Tell the epochs that are new."""
        known = int(self._told.get("epoch", 0))
        for row in progress.history:
            if row["epoch"] > known:
                values = {key: value for key, value in row.items() if key != "epoch"}
                self._log(values, int(row["epoch"]))
        self._remember(epoch=max(known, progress.epoch))

    def on_finish(self, metrics: Mapping[str, Any]) -> None:
        """Tell the final scores, with what the data are and what the split leaks."""
        if self._told.get("finished"):
            return
        scores = {**provenance_tags(metrics), **final_scores(metrics)}
        self._log(scores, int(self._told.get("epoch", 0)))
        self._close()
        self._remember(finished=True)

    def on_stop(self, reason: StopReason) -> None:  # noqa: ARG002
        """Close the tracker's run; the next attempt goes on with it."""
        self._close()

    def _log(self, values: Mapping[str, Any], epoch: int) -> None:
        # Standard output is for results; trackers greet there.
        with redirect_stdout(sys.stderr):
            if self._tracked is None:
                self._tracked = self._start(flat_settings(self._settings))
            self._tracked.log(dict(values), step=epoch)

    def _close(self) -> None:
        if self._tracked is not None:
            with redirect_stdout(sys.stderr):
                self._tracked.finish()
            self._tracked = None

    def _remember(self, **news: Any) -> None:
        self._told = {**self._told, "created": self._created, **news}
        self._note.parent.mkdir(parents=True, exist_ok=True)
        write_text(self._note, json.dumps(self._told))
