"""On which devices a network learns: on one, on several of this machine, or on those of many hosts.

The training loop knows a plain network only. Several devices learn on copies of it, each on its
share of every batch, and it is brought up to date when its weights are needed: for validation, for
a checkpoint, at the end. So checkpoints and models are the same whatever learnt.

The result is that of one device but for rounding: batches are the same, gradients are summed over
all examples, batch normalisation takes its statistics over all devices. Only dropout draws
differently: on each device the same, for the examples there.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.console import say
from genrecls.errors import ConfigError, RunError
from genrecls.models import tensorflow_setup
from genrecls.training import checkpoint as checkpoints
from genrecls.training.batches import BatchMaker
from genrecls.training.checkpoint import Arrays, Checkpoint, Progress
from genrecls.training.settings import StrategyName, TrainerSettings
from genrecls.training.step import Learner, Step, device_limit, step_of_many, step_of_one

if TYPE_CHECKING:
    import keras

_ROLES = ("chief", "worker")
_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True)
class Cluster:
    """All hosts of a training.

    Attributes:
        hosts: addresses with port, that of the chief first.
        own: place of this host among them.
    """

    hosts: tuple[str, ...]
    own: int

    @property
    def chief(self) -> bool:
        """Whether this host writes checkpoints and results."""
        return self.own == 0


def cluster() -> Cluster:
    """Return the hosts that TF_CONFIG names.

    Raises:
        ConfigError: it is not set, or names no such hosts.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        return _read(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        raise ConfigError(
            "trainer.strategy=multiworker: expected the hosts in the environment variable "
            f"TF_CONFIG, received {text or 'nothing'}; set it on each host, index counting from 0: "
            f"{_EXAMPLE}"
        ) from None


def _read(config: dict[str, Any]) -> Cluster:
    named, task = config["cluster"], config["task"]
    hosts = [(role, index) for role in _ROLES for index in range(len(named.get(role, ())))]
    if not set(named) <= set(_ROLES):
        raise ValueError("a role that has no part in this kind of training")
    own = hosts.index((task["type"], int(task["index"])))
    return Cluster(tuple(str(named[role][index]) for role, index in hosts), own)


class Devices:
    """One device, on which the network itself learns.

    Attributes:
        chief: whether this process writes what a training leaves.
    """

    chief = True

    def scope(self) -> AbstractContextManager[Any]:
        """Return what variables are made and changed in."""
        return nullcontext()

    def copied(self, model: keras.Model) -> keras.Model:
        """Return the network that learns, with the weights of `model`."""
        return model

    def adapted(self, trainer: TrainerSettings) -> TrainerSettings:
        """Return the settings for the optimiser of each device."""
        return trainer

    def step(self, learner: Learner) -> Step:
        """Return the training step."""
        return step_of_one(learner)

    def agree(self, wish: bool) -> bool:
        """Return whether any host wishes."""
        return wish

    def of_chief(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values that the chief calls with; those of the others have the same shape."""
        return values

    def resumed(self, stored: Checkpoint | None) -> Checkpoint | None:
        """Return the checkpoint that the chief found."""
        return stored

    def ensure_alike(
        self, model: keras.Model, batches: BatchMaker, trainer: TrainerSettings
    ) -> None:
        """Refuse to train different things on different hosts."""

    def guarded(self) -> AbstractContextManager[None]:
        """Return what turns the loss of a host into one line."""
        return nullcontext()


class Replicas(Devices):
    """Several devices, which one strategy of `tf.distribute` keeps alike."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._count = int(strategy.num_replicas_in_sync)

    def scope(self) -> AbstractContextManager[Any]:
        """Return the scope of the strategy."""
        scope: AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def copied(self, model: keras.Model) -> keras.Model:
        """Return a copy of `model` on all devices."""
        import keras

        begun = Checkpoint(Progress(), [v.numpy() for v in model.variables], [], [])
        common = self.resumed(begun)
        with self.scope():
            copy = keras.models.clone_model(model)
            values: Arrays = common.model if common else []
            for variable, value in zip(copy.variables, values, strict=True):
                variable.assign(value)
        for layer in copy.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True
        return copy

    def adapted(self, trainer: TrainerSettings) -> TrainerSettings:
        """Return settings whose limit of the gradient is for a device's part of it."""
        limit = device_limit(trainer.optimizer.clip_norm, self._count)
        return replace(trainer, optimizer=replace(trainer.optimizer, clip_norm=limit))

    def step(self, learner: Learner) -> Step:
        """Return a step that all devices share."""
        return step_of_many(learner, self._strategy)


class Hosts(Replicas):
    """The devices of several hosts, each with a process that takes the same steps."""

    def __init__(self, strategy: Any, hosts: Cluster) -> None:
        super().__init__(strategy)
        self.chief = hosts.chief

    def agree(self, wish: bool) -> bool:
        """Return whether any host wishes; all hosts must ask."""
        return bool(self._total(np.array(wish, np.int64)) > 0)

    def of_chief(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values of the chief; all hosts must ask."""
        return self._total(values if self.chief else np.zeros_like(values))

    def resumed(self, stored: Checkpoint | None) -> Checkpoint | None:
        """Return the checkpoint of the chief; the others need not see its folder."""
        content = checkpoints.packed(stored) if stored and self.chief else b""
        size = int(self.of_chief(np.array(len(content), np.int64)))
        if not size:
            return None
        words = np.frombuffer(content.ljust(-(-size // 8) * 8, b"\0"), np.int64)
        return checkpoints.unpacked(self.of_chief(words).tobytes()[:size])

    def ensure_alike(
        self, model: keras.Model, batches: BatchMaker, trainer: TrainerSettings
    ) -> None:
        """Compare network, settings and examples with those of the chief.

        Raises:
            RunError: on all hosts, where they differ on any.
        """
        examples = batches.examples
        facts = (model.to_json(), trainer, batches.augment, batches.seed, examples.tracks)
        digest = hashlib.sha256(repr(facts).encode())
        digest.update(examples.targets.tobytes() + examples.starts.tobytes())
        own = np.frombuffer(digest.digest(), np.int64)
        if self.agree(not np.array_equal(self.of_chief(own), own)):
            raise RunError(
                "the hosts of TF_CONFIG do not train the same: expected one configuration and the "
                "same data on all; start the same command everywhere"
            )

    @contextmanager
    def guarded(self) -> Iterator[None]:
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
                "hosts again, and it goes on from the last checkpoint"
            ) from error

    def _total(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the sum over all hosts, for each of which its first device speaks."""
        import tensorflow as tf

        parts = chain([values], repeat(np.zeros_like(values)))
        shares = self._strategy.experimental_distribute_values_from_function(
            lambda _: tf.constant(next(parts))
        )
        with self.guarded():
            total = self._strategy.reduce(tf.distribute.ReduceOp.SUM, shares, axis=None)
        return np.asarray(total)


@cache
def devices_for(name: StrategyName) -> Devices:
    """Return the devices to learn on, found once in a process.

    Must run before TensorFlow computes anything: hosts can only be joined then.

    Raises:
        ConfigError: TF_CONFIG does not name the hosts of `multiworker`.
        RunError: it is too late to join them.
    """
    if name == "single":
        return Devices()
    if name == "mirrored":
        return _mirrored()
    hosts = cluster()
    tensorflow_setup.load()
    import tensorflow as tf

    say(f"strategy multiworker: host {hosts.own + 1} of {len(hosts.hosts)}, waiting for all")
    try:
        with _stoppable():
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise RunError(f"hosts can only be joined at the start ({error}); repeat it") from error
    _announce(name, strategy.num_replicas_in_sync)
    return Hosts(strategy, hosts)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let Ctrl-C end the process during the block, which has nothing to lose.

    Python's own handlers have no turn while TensorFlow waits. It takes SIGTERM for itself there
    and does not act on it, so that one must be taken back.
    """
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _mirrored() -> Devices:
    tensorflow_setup.configure_tensorflow()
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    _announce("mirrored", len(devices))
    return Replicas(tf.distribute.MirroredStrategy([device.name for device in devices]))


def _announce(name: StrategyName, devices: int) -> None:
    if devices == 1:
        say(f"strategy {name}: there is only one device, so that nothing is gained over single")
    else:
        say(
            f"strategy {name}: every batch is divided among {devices} devices; dropout draws the "
            "same on each"
        )
