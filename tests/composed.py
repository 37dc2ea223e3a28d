"""Compositions that many tests start from, each made by Hydra once."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from genrecls.config.compose import compose


def composed(root: str, *words: str) -> dict[str, Any]:
    """Return the plain values of `conf/<root>.yaml` with overrides; they are the caller's own."""
    return deepcopy(_composed(root, words))


@cache
def _composed(root: str, words: tuple[str, ...]) -> dict[str, Any]:
    return compose(root, list(words))
