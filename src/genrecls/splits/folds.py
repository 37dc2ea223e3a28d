"""Folds that keep genres balanced and groups whole."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import DataError
from genrecls.splits.base import PARTS, Part


def stratified_folds(
    labels: Sequence[str], groups: Sequence[str], k: int, seed: int
) -> NDArray[np.int64]:
    """Return a fold in 0..k-1 for each item; members of a group share their fold.

    Raises:
        DataError: a genre has fewer groups than three, the least that fills three parts.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    _require_groups(labels, groups)
    folds = np.zeros(len(labels), dtype=np.int64)
    splitter = StratifiedGroupKFold(n_splits=k, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A genre with fewer tracks than folds is possible; missing genres are reported later.
        warnings.simplefilter("ignore", UserWarning)
        for fold, (_, members) in enumerate(splitter.split(labels, labels, groups)):
            folds[members] = fold
    return folds


def parts_by_ratio(folds: NDArray[np.int64], ratio: tuple[int, int, int]) -> list[Part]:
    """Return the part of each item when `sum(ratio)` folds are dealt out in proportion `ratio`."""
    dealt: list[Part] = [
        part for part, count in zip(PARTS, ratio, strict=True) for _ in range(count)
    ]
    return [dealt[fold] for fold in folds]


def _require_groups(labels: Sequence[str], groups: Sequence[str]) -> None:
    members: dict[str, set[str]] = {}
    for label, group in zip(labels, groups, strict=True):
        members.setdefault(label, set()).add(group)
    for label, names in sorted(members.items()):
        if len(names) < 3:
            raise DataError(
                f"genre '{label}' has {len(names)} independent group(s) of tracks (different "
                "recordings, or artists for split=artist); three parts need at least 3: "
                "add tracks or choose another split"
            )
