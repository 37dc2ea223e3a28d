"""`mlflow`: a run of MLflow with parameters, metrics by epoch, scores and files.

See https://mlflow.org/docs/latest/ml/tracking. Without a server all is in one SQLite file, with the
copied files in the folder `mlartifacts` beside it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from genrecls.runs.run import Run
from genrecls.trackers.base import LOGGERS, Logger
from genrecls.trackers.mlflow_run import MlflowRun, Store
from genrecls.training.callbacks import Callback

_SCHEMES = (
    "sqlite",
    "file",
    "http",
    "https",
    "postgresql",
    "mysql",
    "mssql",
    "databricks",
)


@LOGGERS.register("mlflow")
@dataclass(frozen=True)
class MlflowLogger(Logger):
    """Where MLflow keeps its runs, and what it gets.

    Attributes:
        uri: `sqlite:///FILE`, a folder or a server; null is `MLFLOW_TRACKING_URI` of the
            environment, else the file `mlflow.db` in `output_root`.
        experiment: name of MLflow's experiment.
        artifacts: files and folders of the run folder that are copied.
    """

    uri: str | None
    experiment: str
    artifacts: tuple[str, ...]

    PACKAGES: ClassVar[tuple[str, ...]] = ("mlflow", "sqlalchemy", "alembic")

    def __post_init__(self) -> None:
        scheme, colon, _ = (self.uri or "").partition("://")
        if colon and scheme.partition("+")[0] not in _SCHEMES:
            raise ValueError(
                f"uri: received '{self.uri}'; allowed: a folder or an address that begins with "
                f"{', '.join(_SCHEMES)}"
            )

    def callbacks(self, run: Run, settings: Mapping[str, Any]) -> Sequence[Callback]:
        """Return the writer of a run of MLflow."""
        here = run.folder.parent
        # Jobs of a sweep write at the same time; the limit of SQLite would be 5 s.
        local = f"sqlite:///{(here / 'mlflow.db').absolute().as_posix()}?timeout=60"
        uri = self.uri or os.environ.get("MLFLOW_TRACKING_URI") or local
        return (MlflowRun(run, settings, Store(uri, self.experiment, here), self.artifacts),)
