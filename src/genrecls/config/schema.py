"""What every part of a configuration has in common, and the registries of named options.

An option of a group is a frozen dataclass that stands in the file of the thing it configures
(`models/cnn.py` holds `Cnn` with its layers *and* its `build`), so that a new model, feature or
data set is one new file. Nothing in YAML names Python code: the key `name` selects a registered
class, and only modules of the group's own package and plugins (`config/plugins.py`) are imported.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import AfterValidator, Field

from genrecls.config.plugins import load_plugins
from genrecls.errors import ConfigError

Share = Annotated[float, Field(ge=0, lt=1)]
"""A part of a whole, less than all of it."""

Proportion = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, perhaps none or all of it: what most scores are."""

# Beyond it a floating-point number, which figures are drawn with, no longer counts.
Count = Annotated[int, Field(ge=0, le=2**53)]
"""How many there are of something."""


Seconds = Annotated[float, Field(ge=0, le=1e10)]
"""A time that was or will be spent."""


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    if low > high:
        raise ValueError(f"expected the lower bound first, received {low:g} and {high:g}")
    return bounds


Interval = Annotated[tuple[Proportion, Proportion], AfterValidator(_ordered)]
"""The lower and the upper bound of a proportion."""


class Schema:
    """Base of every configuration dataclass: unknown keys and infinite numbers are refused."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}


T = TypeVar("T")


class Registry(Generic[T]):
    """The options of one config group, found by importing the modules of one package.

    An option may also be registered from outside of it, by whoever imports the registry.

    Args:
        group: name of the config group, such as `model`.
        package: package whose modules register themselves, such as `genrecls.models`; None where
            only plugins have options.
    """

    def __init__(self, group: str, package: str | None = None) -> None:
        self.group = group
        self._package = package
        self._options: dict[str, type[T]] = {}
        self._complete = package is None

    def register(self, name: str) -> _Registrar[T]:
        """Return a class decorator that makes the class the option `name` of this group."""
        return _Registrar(self.group, self._options, name)

    def forget(self, name: str) -> None:
        """Take an option out again, such as one of a file that is only checked."""
        del self._options[name]

    def __getitem__(self, name: str) -> type[T]:
        return self._all()[name]

    def __contains__(self, name: object) -> bool:
        return name in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._all()))

    def _all(self) -> dict[str, type[T]]:
        if self._package is not None and not self._complete:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self._package}.{module.name}")
            # Before the plugins, which may look at the registry while they are imported.
            self._complete = True
        load_plugins()
        return self._options


class _Registrar(Generic[T]):
    def __init__(self, group: str, options: dict[str, type[T]], name: str) -> None:
        self._group = group
        self._options = options
        self._name = name

    def __call__(self, option: type[Any]) -> type[Any]:
        if self._name in self._options:
            other = self._options[self._name].__module__
            raise ConfigError(
                f"{self._group}={self._name} is registered twice, by {other} and by "
                f"{option.__module__}; give one of them another name"
            )
        self._options[self._name] = option
        return option


_REGISTRIES = {
    "dataset": "genrecls.datasets.base:DATASETS",
    "features": "genrecls.features.base:FEATURES",
    "split": "genrecls.splits.base:SPLITS",
    "model": "genrecls.models.base:MODELS",
    "logger": "genrecls.trackers.base:LOGGERS",
}
"""The groups whose options are classes: where the registry of each is."""


def registries() -> dict[str, Registry[Any]]:
    """Return the registries of all groups whose options are classes, by group."""
    return {group: _registry(place) for group, place in _REGISTRIES.items()}


def registry_of(group: str) -> Registry[Any] | None:
    """Return the registry of one group, without importing the others; None where it has none."""
    place = _REGISTRIES.get(group)
    return None if place is None else _registry(place)


def _registry(place: str) -> Registry[Any]:
    module, _, name = place.partition(":")
    registry: Registry[Any] = getattr(importlib.import_module(module), name)
    return registry
