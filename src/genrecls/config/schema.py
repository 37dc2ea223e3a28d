"""What every part of a configuration has in common, and the registries of named options.

An option of a group is a frozen dataclass that stands in the file of the thing it configures
(`models/cnn.py` holds `Cnn` with its layers *and* its `build`), so that a new model, feature or
data set is one new file. Nothing in YAML names Python code: the key `name` selects a registered
class, and only modules of the group's own package and plugins (`config/plugins.py`) are imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar

from genrecls.config.plugins import load_plugins
from genrecls.config.registered import REGISTRIES, SCHEMAS, modules_of
from genrecls.errors import ConfigError


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
        # What is not chosen need not be imported.
        self._modules = modules_of(package) if package else {}
        self._options: dict[str, type[T]] = {}

    def register(self, name: str) -> _Registrar[T]:
        """Return a class decorator that makes the class the option `name` of this group."""
        return _Registrar(self, name)

    def add(self, name: str, option: type[T]) -> None:
        """Make a class the option `name` of this group.

        Raises:
            ConfigError: another class has the name.
        """
        others = {**self._modules, **{key: each.__module__ for key, each in self._options.items()}}
        if name in self._options or others.get(name, option.__module__) != option.__module__:
            raise ConfigError(
                f"{self.group}={name} is registered twice, by {others[name]} and by "
                f"{option.__module__}; give one of them another name"
            )
        self._options[name] = option

    def forget(self, name: str) -> None:
        """Take an option out again, such as one of a file that is only checked."""
        del self._options[name]

    def __getitem__(self, name: str) -> type[T]:
        load_plugins()
        if name not in self._options and name in self._modules:
            importlib.import_module(self._modules[name])
        return self._options[name]

    def __contains__(self, name: object) -> bool:
        load_plugins()
        return name in self._options or name in self._modules

    def __iter__(self) -> Iterator[str]:
        load_plugins()
        return iter(sorted({*self._options, *self._modules}))


class _Registrar(Generic[T]):
    def __init__(self, registry: Registry[T], name: str) -> None:
        self._registry = registry
        self._name = name

    def __call__(self, option: type[Any]) -> type[Any]:
        self._registry.add(self._name, option)
        return option


def registry_of(group: str) -> Registry[Any] | None:
    """Return the registry of one group, without importing the others; None where it has none."""
    if group not in REGISTRIES:
        return None
    package, name = REGISTRIES[group]
    registry: Registry[Any] = getattr(importlib.import_module(f"{package}.base"), name)
    return registry


def single_class(place: str) -> type[Any]:
    """Return the class of a root configuration, or of a group that has one class only."""
    module, _, name = SCHEMAS[place].partition(":")
    found: type[Any] = getattr(importlib.import_module(module), name)
    return found


def class_of(place: str, name: str | None = None) -> type[Any] | None:
    """Return the class that checks an option.

    Args:
        place: a group such as `model`, or a root configuration such as `export`.
        name: the value of the option's key `name`, where the group has a registry.

    Returns:
        The class; None where the keys of a place belong to none, as those of `experiment`.
    """
    if place in SCHEMAS:
        return single_class(place)
    registry = registry_of(place)
    return registry[name] if registry and name is not None and name in registry else None
