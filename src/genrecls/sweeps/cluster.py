"""Trainings of a sweep on other machines: by Slurm, by Ray, or as submitit does it on this one.

A job waits in the queue of the cluster, then starts there what `TrainingProcess` is here: a fresh
process of `genrecls train`. All machines see the same folders under the same paths, so that
the state of a training, its log and its result are read where they always are.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar, Protocol

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from genrecls.config.schema import Schema
from genrecls.config.validation import validate
from genrecls.errors import ConfigError, GenreclsError, nearest
from genrecls.runs.run import Run
from genrecls.sweeps.process import JobResult, ResourceLimits, TrainingProcess, record_failure

_LOOK_EVERY = 0.5


@dataclass(frozen=True)
class RemoteTask:
    """What a job of a cluster does: start one training and watch it.

    Attributes:
        words, run, log, limits, sweep: as of `TrainingProcess`, all paths absolute.
        folder: working directory of the sweep, to which other paths are relative.
        stop_file: the training is stopped when this file exists.
    """

    words: tuple[str, ...]
    run: Run
    log: Path
    limits: ResourceLimits
    sweep: str
    folder: Path
    stop_file: Path

    def __call__(self) -> JobResult:
        """Train, and return how it ended."""
        if self.stop_file.exists():
            return JobResult("stopped", "was stopped before it started")
        os.chdir(self.folder)
        training = self._start()
        try:
            while (result := training.poll()) is None:
                if self.stop_file.exists():
                    training.stop("was stopped together with the sweep")
                time.sleep(_LOOK_EVERY)
        except BaseException:
            # The cluster takes the machine back: the training must write its checkpoint first.
            training.stop("was stopped by the cluster")
            while training.poll() is None:
                time.sleep(_LOOK_EVERY)
            raise
        self.stop_file.unlink(missing_ok=True)
        return result

    def checkpoint(self) -> Any:
        """Return what submitit is to queue again after a timeout: the same training continues."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def _start(self) -> TrainingProcess:
        """Start the training so that it ignores the signals by which a cluster warns of the end.

        They reach all processes of a job; a training would end without a checkpoint.
        """
        before: dict[int, Any] = {}
        # Only the main thread may set handlers, and tasks of Ray are not always in it.
        with suppress(ValueError):
            for name in ("SIGUSR1", "SIGUSR2"):
                if (number := getattr(signal, name, None)) is not None:
                    before[number] = signal.signal(number, signal.SIG_IGN)
        try:
            return TrainingProcess(self.words, self.run, self.log, self.limits, self.sweep)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Cluster(Protocol):
    """A cluster with its settings."""

    @property
    def name(self) -> str:
        """Its name in the group `cluster`."""

    def count_slots(self, waiting: int, jobs: int) -> int:
        """Return how many trainings may be submitted at once.

        Args:
            waiting: trainings that are to come.
            jobs: how many run at once where there is no queue.
        """

    def connect(self) -> None:
        """Start or reach the cluster.

        Raises:
            ConfigError: it cannot be reached from this machine.
        """

    def run(self, task: RemoteTask, name: str, folder: Path, /) -> JobResult:
        """Submit a task, wait until it has ended, and return its result.

        Args:
            task: the training.
            name: name of the job.
            folder: for files of the cluster's own.
        """


@dataclass(frozen=True)
class LocalCluster(Schema):
    """Keys of `conf/cluster/local.yaml`, which says what each is for."""

    library: ClassVar[str] = "submitit"
    extra: ClassVar[str] = "slurm"

    name: str
    timeout_min: PositiveInt
    cpus_per_task: PositiveInt | None
    gpus_per_node: NonNegativeInt | None
    mem_gb: PositiveFloat | None

    def count_slots(self, waiting: int, jobs: int) -> int:
        """Return `jobs`, for there is no queue."""
        return min(jobs, waiting)

    def connect(self) -> None:
        """Do nothing: submitit starts processes of this machine."""

    def run(self, task: RemoteTask, name: str, folder: Path, /) -> JobResult:
        """Submit a task by submitit and wait for it."""
        import submitit

        parameters = dataclasses.asdict(self)
        kind, timeouts = parameters.pop("name"), parameters.pop("max_num_timeout", None)
        options = {} if timeouts is None else {f"{kind}_max_num_timeout": timeouts}
        executor = submitit.AutoExecutor(folder / ".submitit" / "%j", cluster=kind, **options)
        # Parameters that only one kind of cluster has are called after it.
        shared = {field.name for field in dataclasses.fields(LocalCluster)}
        named = {k if k in shared else f"{kind}_{k}": value for k, value in parameters.items()}
        executor.update_parameters(name=name, **named)
        result: JobResult = executor.submit(task).result()
        return result


@dataclass(frozen=True)
class SlurmCluster(LocalCluster):
    """Keys of `conf/cluster/slurm.yaml`, which says what each is for."""

    partition: str | None
    account: str | None
    qos: str | None
    constraint: str | None
    exclude: str | None
    gres: str | None
    comment: str | None
    cpus_per_gpu: PositiveInt | None
    gpus_per_task: NonNegativeInt | None
    mem_per_gpu: str | None
    mem_per_cpu: str | None
    signal_delay_s: NonNegativeInt
    max_num_timeout: NonNegativeInt
    array_parallelism: PositiveInt
    setup: list[str]
    additional_parameters: dict[str, Any]

    def count_slots(self, waiting: int, jobs: int) -> int:  # noqa: ARG002 - Slurm has a queue
        """Return how many jobs the queue is given at once."""
        return min(self.array_parallelism, waiting)

    def connect(self) -> None:
        """Check that this machine can submit jobs.

        Raises:
            ConfigError: it has no Slurm.
        """
        if shutil.which("srun") is None:
            raise ConfigError(
                "cluster=slurm: this machine has no command 'srun'; start the sweep on a machine "
                "of the cluster, or try the command with cluster=local"
            )


@dataclass(frozen=True)
class RayCluster(Schema):
    """Keys of `conf/cluster/ray.yaml`, which says what each is for."""

    library: ClassVar[str] = "ray"
    extra: ClassVar[str] = "ray"

    name: str
    num_cpus: NonNegativeFloat | None
    num_gpus: NonNegativeFloat | None
    init: dict[str, Any]
    remote: dict[str, Any]

    def count_slots(self, waiting: int, jobs: int) -> int:  # noqa: ARG002 - Ray has a queue
        """Return `waiting`, for Ray queues what it cannot start yet."""
        return waiting

    def connect(self) -> None:
        """Start Ray on this machine, or reach the cluster whose address is given."""
        import ray

        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        if not ray.is_initialized():
            ray.init(**{"log_to_driver": False, "logging_level": "ERROR", **self.init})

    def run(self, task: RemoteTask, name: str, folder: Path, /) -> JobResult:  # noqa: ARG002
        """Run a task of Ray and wait for it."""
        import ray

        reserved = {"num_cpus": self.num_cpus, "num_gpus": self.num_gpus}
        options = {key: value for key, value in reserved.items() if value is not None}
        remote = ray.remote(RemoteTask.__call__).options(name=name, **options, **self.remote)
        result: JobResult = ray.get(remote.remote(task))
        return result


CLUSTERS: Mapping[str, type[LocalCluster | RayCluster]] = {
    "local": LocalCluster,
    "ray": RayCluster,
    "slurm": SlurmCluster,
}


def read_cluster(values: Mapping[str, Any]) -> Cluster:
    """Return the cluster that the composed group `cluster` describes.

    Raises:
        ConfigError: a value is wrong, or the library of the cluster is not installed.
    """
    name = str(values.get("name"))
    if name not in CLUSTERS:
        raise ConfigError(
            f"cluster.name: received '{name}'; allowed: {', '.join(CLUSTERS)}"
            f"{nearest(name, CLUSTERS)}"
        )
    cluster = validate(CLUSTERS[name], dict(values), "cluster")
    if find_spec(cluster.library) is None:
        raise ConfigError(
            f"cluster={name}: needs {cluster.library}, which is not installed; "
            f"pip install 'genrecls[{cluster.extra}]'"
        )
    return cluster


class ClusterJob:
    """A training that was submitted to a cluster; to a sweep it is a `TrainingProcess`.

    Attributes:
        log: file to which everything is appended that the training prints.
        stop_file: the job stops when this file exists.
    """

    def __init__(
        self,
        cluster: Cluster,
        words: Sequence[str],
        run: Run,
        log: Path,
        limits: ResourceLimits,
        sweep: str = "",
    ) -> None:
        """Submit the training; the arguments are those of `TrainingProcess`."""
        self.log = log.absolute()
        # One for each job: an older one that still waits in the queue must not take it for its own.
        self.stop_file = self.log.with_suffix(f".{uuid.uuid4().hex[:8]}.stop")
        self._run = Run(run.folder.absolute())
        self._result: JobResult | None = None
        self._reason = ""
        self._log_length = self._measure_log()
        task = RemoteTask(
            tuple(words), self._run, self.log, limits, sweep, Path.cwd(), self.stop_file
        )
        Thread(target=self._wait, args=(cluster, task), daemon=True).start()

    def poll(self) -> JobResult | None:
        """Return how the training ended; None while it waits or runs."""
        if self._result is None and self._reason and self._measure_log() == self._log_length:
            # It may stay in a queue for days; when its turn comes it ends at once.
            self._result = JobResult("stopped", self._reason)
        return self._result

    def stop(self, reason: str) -> None:
        """Ask the training to write a checkpoint and end."""
        if not self._reason:
            self._reason = reason
            self.stop_file.parent.mkdir(parents=True, exist_ok=True)
            self.stop_file.touch()

    def kill(self, reason: str = "") -> None:
        """Ask the training to end, and wait for it no longer: it is on another machine."""
        self.stop(reason or "was stopped")
        self._result = self._result or JobResult("stopped", self._reason)

    def _measure_log(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _wait(self, cluster: Cluster, task: RemoteTask) -> None:
        # Jobs on this machine inherit the mask: Ctrl-C is for the sweep, which passes it on.
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._result = cluster.run(task, self._run.name, self.log.parent)
        except BaseException as error:  # noqa: BLE001 - clusters have errors of all kinds
            known = isinstance(error, GenreclsError)
            text = str(error) if known else f"{type(error).__name__}: {error}"
            # The lines after these are in the cluster's own files, which are named here.
            first = " ".join(" ".join(text.splitlines()[:2]).split())
            reason = f"{cluster.name}: {first}"
            # First: a sweep may read the run as soon as the job has ended.
            record_failure(self._run, reason)
            self._result = JobResult("failed", reason)
