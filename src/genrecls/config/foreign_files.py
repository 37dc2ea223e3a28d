"""Configuration files of the user, or of somebody else: what they may not hold, found before use.

Such a file chooses among options and sets values. It reads nothing of the machine that it is used
on, leads to no other file, and is read within bounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from genrecls.errors import ConfigError, DamagedFile
from genrecls.files.tables import read_yaml

GLOBAL = ("experiment", "debug")
"""The groups whose files set keys of other groups."""
_HEADER = "# @package _global_"

# Folders with further files, which may be code; variables of the environment.
_FORBIDDEN = ("hydra.searchpath", "hydra.job.env_copy")

# What stands before a colon is the name of a function of OmegaConf, such as `oc.env`.
_RESOLVER = re.compile(r"\$\{[^:]*:")


def check_file(path: Path, folder: Path) -> None:
    """Refuse a configuration file that could do more than to set values.

    Args:
        path: the file, which is there.
        folder: the folder of configurations that it was found in.

    Raises:
        ConfigError: the file lies elsewhere, is damaged or a bomb, asks for more than other keys,
            or sets keys that nothing reads.
    """
    place = path.relative_to(folder) if path.is_relative_to(folder) else path
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(
            f"{place}: leads to a file outside of {folder}; expected a file of its own, so copy "
            "it there"
        )
    try:
        values = read_yaml(path)
    except DamagedFile as error:
        raise ConfigError(f"{path}: no valid configuration file: {error.reason}") from None
    if not isinstance(values, Mapping | None):
        raise ConfigError(f"{path}: expected keys with values, such as 'seed: 1'")
    for text in _texts(values):
        if found := _RESOLVER.search(text):
            raise ConfigError(
                f"{path}: {found[0]}...}} asks for more than a configuration file may; expected a "
                "key, such as ${seed}; give the value on the command line"
            )
    for key in _FORBIDDEN:
        value: Any = values
        for step in key.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None:
            raise ConfigError(f"{path}: {key}: a configuration file may not set it; remove it")
    if place.parts[0] in GLOBAL and values:
        _require_header(path)


def _require_header(path: Path) -> None:
    """Refuse a file whose keys would belong to its own group, where nothing reads them."""
    text = path.read_text(encoding="utf-8")
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    package = re.compile(r"#\s*@package\s+_global_$")
    first = next((line for line in lines if line), "")
    if not text.startswith("\ufeff") and package.match(first):
        return
    found = next((number for number, line in enumerate(lines, 1) if package.match(line)), None)
    why = f"there it is line {found}" if found else "it is missing"
    if text.startswith("\ufeff"):
        why = "the file begins with a byte order mark; save it as UTF-8 without one"
    raise ConfigError(f"{path}: has no effect without '{_HEADER}' as its first line ({why})")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple | set):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
