"""One run in MLflow's store: recognised by its tag, so that a resumed training continues it."""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls.config.options import flat
from genrecls.files.locks import locked
from genrecls.runs.run import Run
from genrecls.trackers.base import SWEEP
from genrecls.trackers.scores import final_scores, provenance_tags
from genrecls.training.callbacks import Callback, StopReason, TrainingPlan
from genrecls.training.checkpoint import Progress

if TYPE_CHECKING:
    from mlflow.entities import Run as Stored
    from mlflow.tracking import MlflowClient

_RUN, _SWEEP, _PARENT = "genrecls.run", "genrecls.sweep", "mlflow.parentRunId"
# MLflow takes so many parameters in one call, of so many characters each.
_BATCH, _LONGEST = 100, 6000
_ENVIRONMENT = {
    # Nothing leaves the machine but what goes to the store.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # Whoever names a folder has chosen it.
    "MLFLOW_ALLOW_FILE_STORE": "true",
    # Else a training would wait for many minutes for a server that is gone or says nothing.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


@dataclass(frozen=True)
class Store:
    """Where runs are kept.

    Attributes:
        uri: tracking URI of MLflow.
        experiment: name of MLflow's experiment.
        here: folder for the lock that keeps two trainings from making the same thing.
    """

    uri: str
    experiment: str
    here: Path

    @property
    def artifacts(self) -> str | None:
        """Where copied files go; None leaves it to the store."""
        if not self.uri.startswith("sqlite:///"):
            return None
        database = Path(self.uri.removeprefix("sqlite:///").partition("?")[0])
        return (database.absolute().parent / "mlartifacts").as_uri()

    @property
    def location(self) -> str:
        """Where MLflow keeps its runs, with the command or the address that shows them."""
        # Whoever reads a log need not know the password.
        uri = re.sub(r"//([^/@:]*):.*@", r"//\1:PASSWORD@", self.uri).partition("?")[0]
        scheme = uri.partition("://")[0].partition("+")[0] if "://" in uri else "file"
        if scheme in {"http", "https"} or uri.startswith("databricks"):
            # A server shows its runs by itself.
            return f"experiment {self.experiment} of {uri}"
        allowed = "MLFLOW_ALLOW_FILE_STORE=true " if scheme == "file" else ""
        # mlflow-skinny writes; what shows is in the package mlflow.
        installed = "" if find_spec("flask") else " (after pip install mlflow)"
        command = f"{allowed}mlflow ui --backend-store-uri {shlex.quote(uri)}"
        return f"experiment {self.experiment}; show it with{installed}: {command}"

    @contextmanager
    def opened(self) -> Iterator[tuple[MlflowClient, str]]:
        """Yield a client and the id of the experiment; no other training opens it meanwhile."""
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow.tracking import MlflowClient

        busy = "logger=mlflow: other trainings have kept its store for two minutes; try again"
        with locked(self.here / ".locks" / "mlflow.lock", patience=120, busy=busy):
            client = MlflowClient(tracking_uri=self.uri)
            stored = client.get_experiment_by_name(self.experiment)
            if stored is not None:
                yield client, stored.experiment_id
            else:
                yield client, client.create_experiment(self.experiment, self.artifacts)


class MlflowRun(Callback):
    """Callback that keeps a run of MLflow true."""

    title = "logger=mlflow"

    def __init__(
        self, run: Run, settings: Mapping[str, Any], store: Store, artifacts: Sequence[str]
    ) -> None:
        self._run = run
        self._settings = settings
        self._store = store
        self._artifacts = artifacts
        self._client: Any = None
        self._id = self._parent = ""
        self._epoch = 0
        self.location = store.location

    def on_stage_start(self, progress: Progress, plan: TrainingPlan) -> None:  # noqa: ARG002
        """Take what an earlier attempt left."""
        self.on_epoch_end(progress)

    def on_epoch_end(self, progress: Progress) -> None:
        """Add the epochs that MLflow does not have."""
        if self._client is None:
            self._open()
        for row in progress.history:
            epoch = int(row["epoch"])
            if epoch > self._epoch:
                self._log({key: row[key] for key in row if key != "epoch"}, epoch)
        self._epoch = max(self._epoch, progress.epoch)

    def on_finish(self, metrics: Mapping[str, Any]) -> None:
        """Add the scores and copy the files, unless they are there."""
        if self._client.get_run(self._id).info.status == "FINISHED":
            return
        self._log(final_scores(metrics), self._epoch)
        for name, value in provenance_tags(metrics).items():
            self._client.set_tag(self._id, f"genrecls.{name}", value)
        for path in (self._run.folder / name for name in self._artifacts):
            if path.is_dir():
                self._client.log_artifacts(self._id, str(path), path.name)
            elif path.is_file():
                self._client.log_artifact(self._id, str(path))
        self._end("FINISHED")

    def on_stop(self, reason: StopReason) -> None:
        """Mark the run as stopped."""
        if self._client is not None:
            self._end("KILLED" if reason == "interrupted" else "FAILED")

    def _open(self) -> None:
        """Find the run in the store, or make it there, below its sweep if it has one."""
        from mlflow.entities import Param

        # A run that was trained again with force=true is another one.
        tag = f"{self._run.name} {self._run.state['created']}"
        with self._store.opened() as (client, experiment):
            stored = _find(client, experiment, _RUN, tag)
            if stored is None:
                tags = {_RUN: tag, "genrecls.command": str(self._run.state.get("command", ""))}
                stored = client.create_run(experiment, tags=tags, run_name=self._run.name)
                texts = {
                    key: value if isinstance(value, str) else json.dumps(value)
                    for key, value in flat(self._settings)
                }
                params = [Param(key, text[:_LONGEST]) for key, text in texts.items()]
                for start in range(0, len(params), _BATCH):
                    batch = params[start : start + _BATCH]
                    client.log_batch(stored.info.run_id, params=batch)
            sweep = os.environ.get(SWEEP)
            if sweep and _PARENT not in stored.data.tags:
                # One run stands for the whole sweep.
                parent = _find(client, experiment, _SWEEP, sweep) or client.create_run(
                    experiment, tags={_SWEEP: sweep}, run_name=f"sweep {sweep}"
                )
                client.set_tag(stored.info.run_id, _PARENT, str(parent.info.run_id))
        stored = client.get_run(stored.info.run_id)
        if stored.info.status in {"KILLED", "FAILED"}:
            client.update_run(stored.info.run_id, "RUNNING")
        self._client, self._id = client, stored.info.run_id
        self._parent = stored.data.tags.get(_PARENT, "")
        # The last of a row, so that the others are there if it is.
        known = client.get_metric_history(self._id, "seconds")
        self._epoch = max((point.step for point in known), default=0)

    def _log(self, values: Mapping[str, float], epoch: int) -> None:
        from mlflow.entities import Metric

        now = round(time.time() * 1000)
        points = [Metric(name, value, now, epoch) for name, value in values.items()]
        self._client.log_batch(self._id, metrics=points)

    def _end(self, status: str) -> None:
        self._client.set_terminated(self._id, status)
        if self._parent:
            # A sweep lasts as long as its last run.
            self._client.set_terminated(self._parent, "FINISHED")


def _find(client: MlflowClient, experiment: str, tag: str, value: str) -> Stored | None:
    runs = client.search_runs([experiment], f"tags.`{tag}` = '{value}'", max_results=1)
    return runs[0] if runs else None
