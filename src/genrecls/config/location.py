"""Where the configuration files are."""

from __future__ import annotations

from pathlib import Path


def conf_dir() -> Path:
    """Return the folder `conf`: inside the installed package, or beside `src` in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parents[1] / "conf"
