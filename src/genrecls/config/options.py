"""The choices of every config group with a line each, read without importing Hydra."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from genrecls.config.paths import conf_dir
from genrecls.config.plugins import have_plugins
from genrecls.config.registered import REGISTRIES, modules_of

_CHOICE = re.compile(r"^\s*- (?P<group>\w+): (?P<choice>\w+)\s*(?:#\s*(?P<line>.*))?$")


def groups(root: str = "train") -> dict[str, tuple[str, str]]:
    """Return, for each group in the defaults list of `root`, its default and what it is for."""
    text = (conf_dir() / f"{root}.yaml").read_text(encoding="utf-8")
    found = (_CHOICE.match(line) for line in text.splitlines())
    return {m["group"]: (m["choice"], m["line"] or "") for m in found if m}


def choices(group: str) -> dict[str, str]:
    """Return the options of `group`, each with its line of explanation."""
    files = {name: _headline(path) for name, path in listed(group).items()}
    classes = {name: _summary(option) for name, option in unlisted(group).items()}
    return dict(sorted({**classes, **files}.items()))


def listed(group: str) -> dict[str, Path]:
    """Return the options of `group` that have a YAML file."""
    return {path.stem: path for path in sorted((conf_dir() / group).glob("*.yaml"))}


def unlisted(group: str) -> dict[str, type[Any]]:
    """Return the options of `group` that are a class only, such as one that was just added.

    A class some of whose keys have no default needs a file, whatever that is called.
    """
    package, _ = REGISTRIES.get(group, (None, None))
    files = listed(group)
    if package is None:
        return {}
    # What is imported may have options of its own; else the sources tell that there are none, for
    # an error need not wait for what validates.
    imported = f"{package}.base" in sys.modules or have_plugins()
    if not imported and modules_of(package).keys() <= files.keys():
        return {}
    from genrecls.config.schema import registry_of

    registry = registry_of(group)
    if registry is None:
        return {}
    return {
        name: registry[name] for name in registry if name not in files and _complete(registry[name])
    }


def _complete(option: type[Any]) -> bool:
    return all(
        key.name == "name" or key.default is not MISSING or key.default_factory is not MISSING
        for key in fields(option)
    )


def keys(root: str = "train") -> list[str]:
    """Return the commented single keys of a root configuration, as they are written."""
    text = (conf_dir() / f"{root}.yaml").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if re.match(r"^\w+: \S+ +# ", line)]


def _headline(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        lines = (line for line in file if not line.startswith("# @package"))
        first = next(lines, "")
    return first.lstrip("# ").strip() if first.startswith("#") else ""


def _summary(option: type[Any]) -> str:
    first = (option.__doc__ or "").strip().partition("\n")[0]
    # A dataclass without a docstring gets its own signature for one.
    signature = first.startswith(f"{option.__name__}(")
    return first if first and not signature else f"see {option.__module__}"


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every single value with its dotted key; a list is a single value."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
