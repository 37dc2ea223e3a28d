"""genrecls: a configurable, honest experiment runner for music genre classification.

The functions of the Python API stand in `genrecls.api`; they are imported when they are asked for.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_API = "genrecls.api"


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module 'genrecls' has no attribute '{name}'")
    api = import_module(_API)
    if name not in api.__all__:
        raise AttributeError(f"module 'genrecls' has no attribute '{name}'")
    return getattr(api, name)


def __dir__() -> list[str]:
    return ["__version__", *import_module(_API).__all__]


class _Room(ModuleType):
    """A package of genrecls that has the name of a function of the API, and acts as both."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(import_module(_API), name)(*args, **kwargs)


def make_callable(package: str) -> None:
    """Let a package be called as the function of the API that has its name.

    Importing `genrecls.export` makes the package an attribute of `genrecls`, in the place of the
    function `genrecls.export`.
    """
    sys.modules[package].__class__ = _Room
