"""The devices that learn: one, all of this machine, or those of several hosts.

The training loop only knows a plain network. Several devices learn on copies of it, each on its
share of every batch, and the network gets their weights when they are needed: for validation, for
a checkpoint, at the end. So checkpoints and models do not depend on the devices.

The result is that of one device but for rounding: batches are the same, gradients are summed over
all examples, batch normalisation takes its statistics over all devices. Only dropout differs: it
draws the same on each device, for the examples there.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.console import say
from genrecls.errors import ConfigError, RunError
from genrecls.models import tensorflow_setup
from genrecls.training.batches import BatchMaker
from genrecls.training.checkpoint import Checkpoint, Progress, from_bytes, to_bytes
from genrecls.training.interrupts import restore_handlers
from genrecls.training.settings import StrategyName, TrainerSettings
from genrecls.training.step import Learner, Step, device_limit, step_of_many, step_of_one

if TYPE_CHECKING:
    import keras

_ROLES = ("chief", "worker")
_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)


def devices_for(name: StrategyName, threads: int | None = None) -> Devices:
    """Return the devices that a strategy learns on. Call it once in a process.

    Must run before TensorFlow computes anything: only then can hosts be joined and threads fixed.

    Args:
        name: the strategy.
        threads: among how many threads each operation is divided; None as TensorFlow does.

    Raises:
        ConfigError: TF_CONFIG does not name the hosts of `multiworker`.
        RunError: it is too late to join them, or to fix the threads.
    """
    if threads is not None:
        tensorflow_setup.fix_threads(threads)
    if name == "single":
        return Devices()
    cluster = cluster_of_environment() if name == "multiworker" else None
    if cluster is None:
        tensorflow_setup.configure_tensorflow()
        import tensorflow as tf

        local = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        strategy = tf.distribute.MirroredStrategy([device.name for device in local])
    else:
        tensorflow_setup.load()
        import tensorflow as tf

        hosts = len(cluster.hosts)
        say(f"strategy multiworker: host {cluster.index + 1} of {hosts}, waiting for all")
        try:
            with _ended_by_ctrl_c():
                strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except RuntimeError as error:
            raise RunError(f"hosts can only be joined at the start ({error}); repeat it") from error
    count = strategy.num_replicas_in_sync
    if count == 1:
        # The build for processors sees no GPU, however many there are.
        lack = "" if tf.test.is_built_with_cuda() else "; NVIDIA's GPUs need genrecls[gpu] on Linux"
        say(
            f"strategy {name}: there is only one device, so that nothing is gained over single"
            f"{lack}"
        )
    else:
        say(
            f"strategy {name}: every batch is divided among {count} devices; dropout draws the "
            "same on each"
        )
    return Replicas(strategy) if cluster is None else Hosts(strategy, chief=cluster.chief)


@dataclass(frozen=True)
class TrainingHosts:
    """All hosts of a training.

    Attributes:
        hosts: addresses with port, that of the chief first.
        index: of this host among them.
    """

    hosts: tuple[str, ...]
    index: int

    @property
    def chief(self) -> bool:
        """Whether this host writes checkpoints and results."""
        return self.index == 0


def cluster_of_environment() -> TrainingHosts:
    """Return the hosts that the environment variable TF_CONFIG names.

    Raises:
        ConfigError: it is not set, or does not name a chief or workers and this host among them.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        if not text:
            raise ValueError("TF_CONFIG is not set")
        tensorflow_setup.load()
        import tensorflow as tf

        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        spec = resolver.cluster_spec()
        if not set(spec.jobs) <= set(_ROLES):
            raise ValueError("a role that has no part in this kind of training")
        hosts = [(role, i) for role in _ROLES if role in spec.jobs for i in spec.task_indices(role)]
        return TrainingHosts(
            hosts=tuple(spec.task_address(*host) for host in hosts),
            index=hosts.index((resolver.task_type, int(resolver.task_id))),
        )
    except (ValueError, TypeError):
        raise ConfigError(
            "trainer.strategy=multiworker: expected the hosts in the environment variable "
            f"TF_CONFIG, received {text or 'nothing'}; set it on each host, index counting from 0: "
            f"{_EXAMPLE}"
        ) from None


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C end the process during the block, in which nothing can be lost.

    Python's own handlers do not run while TensorFlow waits. It takes SIGTERM for itself there and
    does not act on it, so that one must be taken back.
    """
    with restore_handlers():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        yield


class Devices:
    """One device, on which the network itself learns.

    Attributes:
        chief: whether this process writes checkpoints and results.
    """

    chief = True

    @property
    def title(self) -> str:
        """What learns, for people: `the CPU, 2 threads`, or the name of the GPU."""
        return tensorflow_setup.device_title(1)

    def scope(self) -> AbstractContextManager[Any]:
        """Return the context in which variables are made and changed."""
        return nullcontext()

    def copy(self, model: keras.Model) -> keras.Model:
        """Return the network that learns, with the weights of `model`."""
        return model

    def adapt(self, trainer: TrainerSettings) -> TrainerSettings:
        """Return the settings for the optimiser of each device."""
        return trainer

    def make_step(self, learner: Learner) -> Step:
        """Return the training step."""
        return step_of_one(learner)

    def agree(self, wish: bool) -> bool:
        """Return whether any host wishes."""
        return wish

    def from_chief(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values that the chief calls with; those of the others have the same shape."""
        return values

    def checkpoint_from_chief(self, checkpoint: Checkpoint | None) -> Checkpoint | None:
        """Return the checkpoint that the chief calls with."""
        return checkpoint

    def ensure_alike(
        self, model: keras.Model, batches: BatchMaker, trainer: TrainerSettings
    ) -> None:
        """Refuse to train different things on different hosts."""

    def report_lost_hosts(self) -> AbstractContextManager[None]:
        """Return a context that turns the loss of a host into one line."""
        return nullcontext()


class Replicas(Devices):
    """Several devices, which one strategy of `tf.distribute` keeps alike."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._count = int(strategy.num_replicas_in_sync)

    @property
    def title(self) -> str:
        """The devices of this host, and how many there are in all."""
        here = len(self._strategy.extended.worker_devices)
        title = tensorflow_setup.device_title(here)
        return title if self._count == here else f"{title}; {self._count} devices on all hosts"

    def scope(self) -> AbstractContextManager[Any]:
        """Return the scope of the strategy."""
        scope: AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def copy(self, model: keras.Model) -> keras.Model:
        """Return a copy of `model` on all devices."""
        import keras

        own = Checkpoint(Progress(), [v.numpy() for v in model.variables], [], [])
        common = self.checkpoint_from_chief(own) or own
        with self.scope():
            copy = keras.models.clone_model(model)
            for variable, value in zip(copy.variables, common.model, strict=True):
                variable.assign(value)
        for layer in copy.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True
        return copy

    def adapt(self, trainer: TrainerSettings) -> TrainerSettings:
        """Return settings whose limit of the gradient is for a device's part of it."""
        limit = device_limit(trainer.optimizer.clip_norm, self._count)
        return replace(trainer, optimizer=replace(trainer.optimizer, clip_norm=limit))

    def make_step(self, learner: Learner) -> Step:
        """Return a step that all devices share."""
        return step_of_many(learner, self._strategy)


class Hosts(Replicas):
    """The devices of several hosts, each with a process that takes the same steps."""

    def __init__(self, strategy: Any, *, chief: bool) -> None:
        super().__init__(strategy)
        self.chief = chief

    def agree(self, wish: bool) -> bool:
        """Return whether any host wishes; all hosts must ask."""
        return bool(self._total(np.array(wish, np.int64)) > 0)

    def from_chief(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values of the chief; all hosts must ask."""
        return self._total(values if self.chief else np.zeros_like(values))

    def checkpoint_from_chief(self, checkpoint: Checkpoint | None) -> Checkpoint | None:
        """Return the checkpoint of the chief; the others need not see its folder."""
        content = to_bytes(checkpoint) if checkpoint and self.chief else b""
        size = int(self.from_chief(np.array(len(content), np.int64)))
        if not size:
            return None
        words = np.frombuffer(content.ljust(-(-size // 8) * 8, b"\0"), np.int64)
        return from_bytes(self.from_chief(words).tobytes()[:size])

    def ensure_alike(
        self, model: keras.Model, batches: BatchMaker, trainer: TrainerSettings
    ) -> None:
        """Compare network, settings and examples with those of the chief.

        Raises:
            RunError: on all hosts, where they differ on any.
        """
        examples = batches.examples
        answers = None if examples.teacher is None else examples.teacher.shape
        described: tuple[object, ...] = (model.to_json(), trainer, batches.augment, batches.seed)
        described = (*described, examples.tracks, answers)
        digest = hashlib.sha256(repr(described).encode())
        digest.update(examples.targets.tobytes() + examples.starts.tobytes())
        own = np.frombuffer(digest.digest(), np.int64)
        if self.agree(not np.array_equal(self.from_chief(own), own)):
            raise RunError(
                "the hosts of TF_CONFIG do not train the same: expected one configuration and the "
                "same data on all; start the same command everywhere"
            )

    @contextmanager
    def report_lost_hosts(self) -> Iterator[None]:
        """Turn the loss of a host into one line."""
        import tensorflow as tf

        lost = (
            tf.errors.UnavailableError,
            tf.errors.AbortedError,
            tf.errors.CancelledError,
            tf.errors.DeadlineExceededError,
            tf.errors.InternalError,
        )
        try:
            yield
        except lost as error:
            reason = str(error.message).splitlines()[0]
            raise RunError(
                f"another host of TF_CONFIG has gone ({reason}); start the same command on all "
                "hosts again, and it continues from the last checkpoint"
            ) from error

    def _total(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the sum over all hosts, to which the first device of each host contributes."""
        import tensorflow as tf

        shares = chain([values], repeat(np.zeros_like(values)))
        of_devices = self._strategy.experimental_distribute_values_from_function(
            lambda _: tf.constant(next(shares))
        )
        with self.report_lost_hosts():
            total = self._strategy.reduce(tf.distribute.ReduceOp.SUM, of_devices, axis=None)
        return np.asarray(total)
