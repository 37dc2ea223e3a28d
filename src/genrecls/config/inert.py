"""Hydra without its ways to run code that a configuration names.

A configuration may come from anywhere, so it may choose among registered options and set values,
and nothing else. Hydra itself would also import and call what `hydra.callbacks` and the logging
groups name. Launchers and sweepers are no such way: Hydra takes those from installed plugins only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from genrecls.errors import ConfigError

# Private names of hydra-core 1.3, to which the dependency is pinned; a test holds them to account.
_LOGGING = (
    "hydra._internal.hydra.configure_log",
    "hydra.core.utils.configure_log",
    "hydra._internal.core_plugins.basic_launcher.configure_log",
)


@contextmanager
def inert_hydra() -> Iterator[None]:
    """Let Hydra compose and launch during the block, but call nothing that YAML names."""
    with ExitStack() as patches:
        patches.enter_context(patch("hydra._internal.hydra.Callbacks", _callbacks))
        for name in _LOGGING:
            # Messages are the business of `genrecls.console`.
            patches.enter_context(patch(name, _no_logging))
        yield


def _callbacks(config: Any = None) -> Any:
    from hydra._internal.callbacks import Callbacks
    from omegaconf import OmegaConf

    if config is not None and OmegaConf.select(config, "hydra.callbacks"):
        raise ConfigError(
            "hydra.callbacks: received callbacks; a configuration may not name code to run, so "
            "remove them"
        )
    return Callbacks()


def _no_logging(*_: Any, **__: Any) -> None:
    """Leave Python's logging as it is."""
