"""Trainings of a sweep on other machines, by the launchers that Hydra has for Slurm and Ray.

A launcher's job waits in the queue of the cluster, then starts there what `Child` is here: a fresh
process of `genrecls train`. All machines see the same folders under the same paths, so that
the state of a training, its log and its result are read where they always are.
"""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

from genrecls.config.compose import compose
from genrecls.config.paths import conf_dir
from genrecls.errors import ConfigError, GenreclsError, nearest
from genrecls.runs.run import Run
from genrecls.sweeps.plan import own_place
from genrecls.sweeps.process import Child, JobResult, JobSpec, ResourceLimits, record_failure

_LOOK_EVERY = 0.5


@dataclass(frozen=True)
class RemoteTask:
    """What a job of a launcher does: start one training and watch it.

    Attributes:
        order: what is trained, all paths absolute.
        folder: working directory of the sweep, to which other paths are relative.
        stop_file: the training is stopped when this file is there.
    """

    order: JobSpec
    limits: ResourceLimits
    folder: Path
    stop_file: Path

    def __call__(self, _: object = None) -> JobResult:
        """Train, and return how it ended."""
        if self.stop_file.exists():
            return JobResult("stopped", "was stopped before its turn came")
        os.chdir(self.folder)
        with _left_to_us():
            child = Child(self.order, self.limits)
        try:
            return self._watched(child)
        except BaseException:
            # The cluster takes the machine back: what was trained must get into a checkpoint.
            child.stop("was stopped by the cluster")
            while child.poll() is None:
                time.sleep(_LOOK_EVERY)
            raise

    def _watched(self, child: Child) -> JobResult:
        while (ending := child.poll()) is None:
            if self.stop_file.exists():
                child.stop("was stopped together with the sweep")
            time.sleep(_LOOK_EVERY)
        self.stop_file.unlink(missing_ok=True)
        return ending


@contextmanager
def _left_to_us() -> Iterator[None]:
    """Let what is started now ignore the signals by which a cluster warns of the end.

    They reach all processes of a job; one that does not know them would end without a checkpoint.
    """
    names = [name for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name)]
    before: dict[int, Any] = {}
    # Ray's jobs are not always in the main thread, where alone this can be said.
    with suppress(ValueError):
        for name in names:
            number = getattr(signal, name)
            before[number] = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# Name of the plugin: extra that installs it.
_EXTRAS = {"submitit": "slurm", "ray": "ray"}
_ROOT = "sweep"


class Launchpad:
    """Starts trainings by a launcher of Hydra.

    Args:
        words: `hydra/launcher=<name>` and what sets it up, such as `hydra.launcher.partition=gpu`.
        flags: Hydra's flags, such as `-cd` with a folder that has launchers, too.
        folder: folder of the sweep; the launcher's own files go there.

    Raises:
        ConfigError: the launcher is not installed, is not one for a cluster or has no such setting.
    """

    def __init__(self, words: Sequence[str], flags: Sequence[str], folder: Path) -> None:
        place = (f"hydra.sweep.dir='{folder.absolute()}'", "hydra.sweep.subdir=.")
        self._words = (*own_place(flags), *words, *place)
        self._chosen = _chosen(words)
        settings, kind = _checked(self._words)
        self._most = settings.get("array_parallelism")
        if kind == "ray":
            _start_ray(settings.ray.init)

    def places(
        self, waiting: int, jobs: int, memory_gb: float | None
    ) -> tuple[ResourceLimits, ...]:
        """Return the limits of each of the trainings that may be handed over at once.

        Args:
            waiting: trainings that are to come.
            jobs: how many run at once where the launcher has no queue of its own.
            memory_gb: what each may take; None leaves that to the launcher.
        """
        most = jobs if self._chosen == "submitit_local" else self._most or waiting
        memory = None if memory_gb is None else int(memory_gb * 1e9)
        return (ResourceLimits(memory=memory),) * min(most, max(1, waiting))

    def start(self, order: JobSpec, limits: ResourceLimits) -> Launched:
        """Hand a training over to the launcher.

        Raises:
            ConfigError: the launcher refuses its settings.
        """
        launched = Launched(order, self._chosen)
        task = RemoteTask(_absolute(order), limits, Path.cwd(), launched.stop_file)
        words = (*self._words, f"hydra.job.name='{order.run.name}'")
        launched.begin(_launcher(self._chosen, words, task))
        return launched


class Launched:
    """A training that a launcher was given; it has the face of a `Child`.

    Attributes:
        order: what it trains.
        stop_file: the job stops when this file is there.
    """

    def __init__(self, order: JobSpec, launcher: str) -> None:
        self.order = order
        # One of its own: a job still in the queue must not take the next one's for its.
        self.stop_file = order.log.absolute().with_suffix(f".{uuid.uuid4().hex[:8]}.stop")
        self._launcher = launcher
        self._ending: JobResult | None = None
        self._reason = ""
        self._length = _length(order.log)

    def begin(self, launcher: Any) -> None:
        """Wait for the job beside the caller: a launcher returns when its jobs are done."""
        Thread(target=self._wait, args=(launcher,), daemon=True).start()

    def poll(self) -> JobResult | None:
        """Return how the training ended; None while it waits or runs."""
        if self._ending is None and self._reason and _length(self.order.log) == self._length:
            # It stands in a queue, perhaps for days; when its turn comes it ends at once.
            self._ending = JobResult("stopped", self._reason)
        return self._ending

    def stop(self, reason: str) -> None:
        """Ask the training to write a checkpoint and end."""
        if not self._reason:
            self._reason = reason
            self.stop_file.parent.mkdir(parents=True, exist_ok=True)
            self.stop_file.touch()

    def kill(self, reason: str = "") -> None:
        """Ask the training to end, and wait for it no longer: it is on another machine."""
        self.stop(reason or "was stopped")
        self._ending = self._ending or JobResult("stopped", self._reason)

    def _wait(self, launcher: Any) -> None:
        # Jobs on this machine inherit this: Ctrl-C is for the sweep, which passes it on.
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            (done,) = launcher.launch([[]], 0)
            self._ending = done.return_value
        except BaseException as error:  # noqa: BLE001 - a cluster has errors of all kinds
            lost = JobResult("failed", f"{self._launcher}: {_line(error)}")
            # First: who polls may look into the run as soon as it has ended.
            record_failure(self.order.run, lost.reason)
            self._ending = lost


def require_launcher(words: Sequence[str], flags: Sequence[str]) -> None:
    """See to it that a launcher can be had, without anything being started.

    Args:
        words: as of `Launchpad`.
        flags: as of `Launchpad`.

    Raises:
        ConfigError: the launcher is not installed, is not one for a cluster or has no such setting.
    """
    _checked((*own_place(flags), *words))


def _checked(words: Sequence[str]) -> tuple[Any, str]:
    """Return what the launcher is set up with, and its plugin."""
    chosen = _chosen(
        [word for word in words if "hydra/launcher" in word or "hydra.launcher" in word]
    )
    _require_plugin(chosen)
    settings = _settings(words)
    return settings, _kind(chosen, str(settings._target_))


def _chosen(words: Sequence[str]) -> str:
    found = [word.partition("=")[2] for word in words if word.startswith("hydra/launcher=")]
    if not found:
        raise ConfigError(
            f"{words[0]}: sets up a launcher that is not chosen; expected hydra/launcher="
            "submitit_slurm, submitit_local or ray beside it"
        )
    return found[-1]


def _require_plugin(chosen: str) -> None:
    from importlib.util import find_spec

    plugin = chosen.partition("_")[0]
    if plugin in _EXTRAS and find_spec(f"hydra_plugins.hydra_{plugin}_launcher") is None:
        raise ConfigError(
            f"hydra/launcher={chosen}: needs a plugin that is not installed; "
            f"pip install 'genrecls[{_EXTRAS[plugin]}]'"
        )


def _settings(words: Sequence[str]) -> Any:
    """Return what the launcher is set up with."""
    from hydra.errors import HydraException

    others = [word for word in words if not word.lstrip("+").startswith("hydra.launcher.")]
    # Says in one line where there is no such launcher.
    compose(_ROOT, others)
    known = [str(key) for key in _config(others)[0].hydra.launcher]
    for word in words:
        key = word.partition("=")[0].removeprefix("hydra.launcher.")
        if word.startswith("hydra.launcher.") and key.partition(".")[0] not in known:
            raise ConfigError(
                f"{word}: unknown key; allowed: {', '.join(known)}{nearest(key, known)}"
            )
    try:
        return _config(words)[0].hydra.launcher
    except HydraException as error:
        raise ConfigError(f"{_first(error)}: {_first(error.__cause__ or '')}") from None


def _first(error: object) -> str:
    return str(error).partition("\n")[0].rstrip(".")


def _kind(chosen: str, target: str) -> str:
    for plugin in _EXTRAS:
        if target.startswith(f"hydra_plugins.hydra_{plugin}_launcher."):
            return plugin
    raise ConfigError(
        f"hydra/launcher={chosen}: expected submitit_slurm, submitit_local or ray; without a "
        "launcher a sweep trains on this machine"
    )


def _start_ray(settings: Any) -> None:
    """Start or reach the cluster, once for all threads."""
    import ray
    from omegaconf import OmegaConf

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    given: Any = OmegaConf.to_container(settings, resolve=True)
    if not ray.is_initialized():
        ray.init(**{"log_to_driver": False, "logging_level": "ERROR", **given})


def _launcher(chosen: str, words: Sequence[str], task: RemoteTask) -> Any:
    from hydra._internal.callbacks import Callbacks
    from hydra.core.plugins import Plugins
    from hydra.errors import HydraException
    from hydra.types import HydraContext

    config, loader = _config(words)
    try:
        return Plugins.instance().instantiate_launcher(
            # No callbacks, whatever the configuration names: see `config.inert`.
            hydra_context=HydraContext(config_loader=loader, callbacks=Callbacks()),
            task_function=task,
            config=config,
        )
    except HydraException as error:
        raise ConfigError(f"hydra/launcher={chosen}: {_line(error)}") from None


def _config(words: Sequence[str]) -> tuple[Any, Any]:
    """Return the configuration with Hydra's own part, and what it was loaded by."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = hydra.compose(_ROOT, overrides=list(words), return_hydra_config=True)
        return config, GlobalHydra.instance().config_loader()


def _absolute(order: JobSpec) -> JobSpec:
    return replace(order, run=Run(order.run.folder.absolute()), log=order.log.absolute())


def _length(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _line(error: BaseException) -> str:
    told = str(error) if isinstance(error, GenreclsError) else f"{type(error).__name__}: {error}"
    # What follows is in the launcher's own files, which are named here.
    return " ".join(" ".join(told.splitlines()[:2]).split())
