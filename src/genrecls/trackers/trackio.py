"""`trackio`: a run of Trackio, on this machine unless a Space is named.

See https://huggingface.co/docs/trackio; `trackio show` shows all runs.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from genrecls.runs.run import Run
from genrecls.trackers.base import LOGGERS, SWEEP, Logger
from genrecls.trackers.project_run import ProjectRun
from genrecls.training.callbacks import Callback


@LOGGERS.register("trackio")
@dataclass(frozen=True)
class TrackioLogger(Logger):
    """Where runs of Trackio go.

    Attributes:
        project: the project.
        space: Space of Hugging Face that gets the runs; None for the folder `trackio` in
            `output_root`, or that of the environment variable TRACKIO_DIR.
    """

    project: str
    space: str | None

    PACKAGES: ClassVar[tuple[str, ...]] = ("trackio",)

    def callbacks(self, run: Run, settings: Mapping[str, Any]) -> Sequence[Callback]:
        """Return what tells a run of Trackio."""
        # A run that was trained again with force=true is another one.
        name = f"{run.name} {run.state['created']}"

        def start(values: dict[str, Any]) -> Any:
            os.environ.setdefault("TRACKIO_DIR", str((run.folder.parent / "trackio").absolute()))
            os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
            import trackio

            trackio.init(
                project=self.project,
                name=name,
                group=os.environ.get(SWEEP) or None,
                space_id=self.space,
                config=values,
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )
            # Its own functions close a run so that nothing is left to close at the end.
            return trackio

        kept = shlex.quote(os.environ.get("TRACKIO_DIR") or str(run.folder.parent / "trackio"))
        again = f"TRACKIO_DIR={kept} trackio show --project {shlex.quote(self.project)}"
        location = (
            f"{self.space} on Hugging Face" if self.space else f"{kept}; show it with: {again}"
        )
        return (ProjectRun("trackio", run, settings, start, location),)
