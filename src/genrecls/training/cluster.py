"""The hosts that train one network together, as TensorFlow's variable TF_CONFIG names them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from genrecls.errors import ConfigError

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
