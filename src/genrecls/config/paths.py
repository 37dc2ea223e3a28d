"""Where the configuration files are, and what a folder in a configuration means."""

from __future__ import annotations

from pathlib import Path

from genrecls.errors import ConfigError

PATH_KEYS = frozenset(
    {"data_root", "output_root", "dataset.root", "dataset.csv", "dataset_root", "run"}
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
