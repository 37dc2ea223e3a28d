"""Configurations that many tests start from, each composed or read once."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from genrecls.config.compose import compose
from genrecls.config.paths import conf_dir
from genrecls.files.tables import read_mapping


def composed(root: str, *words: str) -> dict[str, Any]:
    """Return the plain values of `conf/<root>.yaml` with overrides; they are the caller's own."""
    return deepcopy(_composed(root, words))


@cache
def _composed(root: str, words: tuple[str, ...]) -> dict[str, Any]:
    return compose(root, list(words))


def conf_values(name: str) -> dict[str, Any]:
    """Return what stands in `conf/<name>.yaml`; the values are the caller's own."""
    return deepcopy(_conf_values(name))


@cache
def _conf_values(name: str) -> dict[str, Any]:
    return read_mapping(conf_dir() / f"{name}.yaml")
