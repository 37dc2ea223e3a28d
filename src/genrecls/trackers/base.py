"""What a tracker is: an option of the group `logger` that follows a run while it trains."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from genrecls.config.options import flat
from genrecls.config.schema import Registry, Schema
from genrecls.errors import ConfigError

if TYPE_CHECKING:
    from genrecls.runs.run import Run
    from genrecls.training.callbacks import Callback

SWEEP = "GENRECLS_SWEEP"
"""Environment variable that names the sweep to which a training belongs, for grouping its runs."""


@dataclass(frozen=True)
class Logger(Schema, ABC):
    """Settings of a tracker.

    Attributes:
        name: registered name.
    """

    name: str

    PACKAGES: ClassVar[tuple[str, ...]] = ()
    """What it imports; the extra of its name installs them."""

    def require(self) -> None:
        """Refuse a tracker whose library is not there.

        Raises:
            ConfigError: says what to install.
        """
        for package in self.PACKAGES:
            if find_spec(package) is None:
                raise ConfigError(
                    f"logger={self.name}: needs the package {package}, which is not installed; "
                    f"run: pip install 'genrecls[{self.name}]'"
                )

    @abstractmethod
    def callbacks(self, run: Run, settings: Mapping[str, Any]) -> Sequence[Callback]:
        """Return what follows `run`; nothing is written or reached before it is called.

        Args:
            run: the run.
            settings: its resolved configuration.
        """


def flat_settings(settings: Mapping[str, Any]) -> dict[str, bool | int | float | str]:
    """Return every single setting by its dotted key; what is no plain value is written as JSON."""
    return {
        key: value if isinstance(value, bool | int | float | str) else json.dumps(value)
        for key, value in flat(settings)
    }


LOGGERS: Registry[Logger] = Registry("logger", "genrecls.trackers")
