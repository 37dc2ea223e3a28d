"""`wandb`: a run of Weights & Biases, offline unless asked otherwise.

See https://docs.wandb.ai; `wandb sync outputs/wandb/offline-run-*` sends what was kept offline.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from genrecls.files.hashing import text_digest
from genrecls.runs.run import Run
from genrecls.trackers.base import LOGGERS, SWEEP, Logger
from genrecls.trackers.project_run import ProjectRun
from genrecls.training.callbacks import Callback


@LOGGERS.register("wandb")
@dataclass(frozen=True)
class WandbLogger(Logger):
    """Where runs of Weights & Biases go.

    Attributes:
        project: the project.
        entity: user or team; None for your own.
        mode: `offline` keeps all in `output_root/wandb`, `online` sends it as it comes.
    """

    project: str
    entity: str | None
    mode: Literal["offline", "online"]

    PACKAGES: ClassVar[tuple[str, ...]] = ("wandb",)

    def callbacks(self, run: Run, settings: Mapping[str, Any]) -> Sequence[Callback]:
        """Return what tells a run of Weights & Biases."""
        name, created = run.name, str(run.state["created"])

        def start(values: dict[str, Any]) -> Any:
            # Nothing leaves the machine but what goes to the project.
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
            import wandb

            return wandb.init(
                project=self.project,
                entity=self.entity,
                name=name,
                # A resumed training goes on with its run.
                id=text_digest(f"{name} {created}", 16),
                resume="allow",
                group=os.environ.get(SWEEP) or None,
                config=values,
                mode=self.mode,
                dir=str(run.folder.parent),
                settings=wandb.Settings(silent=True, console="off"),
            )

        folder = run.folder.parent / "wandb"
        location = f"project {self.project} of Weights & Biases"
        if self.mode == "offline":
            location = (
                f"{folder}; send it with: wandb sync {shlex.quote(str(folder))}/offline-run-*"
            )
        return (ProjectRun("wandb", run, settings, start, location),)
