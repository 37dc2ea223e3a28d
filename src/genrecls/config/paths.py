"""Where the configuration files are, and what a folder in a configuration means."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genrecls.errors import ConfigError

PATH_KEYS = frozenset(
    {"data_root", "output_root", "dataset.root", "dataset.csv", "dataset_root", "litertjs", "run"}
)
"""Keys whose values are file names, whatever they look like; `~` in them is the home folder."""


def conf_dir() -> Path:
    """Return the folder `conf`: inside the installed package, or beside `src` in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parents[1] / "conf"


def expanded(path: str, key: str) -> Path:
    """Return `path` with a leading `~` replaced by the home folder.

    Raises:
        ConfigError: there is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(
            f"{key}: received '{path}'; there is no such home folder; write ./{path} for a folder "
            "of that name"
        ) from None


def data_root_of(composed: Mapping[str, Any]) -> Path:
    """Return the folder of all data of a composed configuration.

    Raises:
        ConfigError: it is no text, or there is no such user.
    """
    root = composed["data_root"]
    if not isinstance(root, str):
        raise ConfigError(f"data_root: received {json.dumps(root)}; allowed: a folder")
    return expanded(root, "data_root")


def why_no_file(name: str) -> str:
    """Return why a name that is not there is perhaps none of a file, as the end of a message.

    Returns:
        A clause that begins with `; `, or nothing where the name looks like any other.
    """
    reasons = (
        (name == "-", "standard input is not read here; give the name of a file"),
        (
            re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", name),
            "an address is not fetched; download it and give the name of the file",
        ),
        ("\\" in name, "a backslash is part of a name here; write / between folders"),
        (re.search(r"[*?]|\[.+\]", name), "patterns are not expanded here; give the folder"),
        (
            re.search(r"\$\w|\$\{|%\w+%", name),
            "variables are not expanded here; write the folder out",
        ),
        (name.startswith("~"), "~ is the home folder only as ~/ or ~user at the beginning"),
    )
    return next((f"; {reason}" for applies, reason in reasons if applies), "")


def own_folder(config_dir: str | None) -> Path | None:
    """Return the folder of configurations that `-cd` names; None without one.

    Raises:
        ConfigError: there is no such folder.
    """
    if config_dir is None:
        return None
    folder = expanded(config_dir, "-cd").absolute()
    if not folder.is_dir():
        raise ConfigError(f"-cd: there is no folder {folder}")
    return folder
