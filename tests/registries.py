"""The registries of the package, by group."""

from __future__ import annotations

from typing import Any

from genrecls.config.registered import REGISTRIES
from genrecls.config.schema import Registry, registry_of

SELECTED: dict[str, Registry[Any]] = {
    group: registry for group in REGISTRIES if (registry := registry_of(group))
}
