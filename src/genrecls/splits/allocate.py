"""Distributing items over parts in given shares, genres balanced and groups whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import DataError
from genrecls.rng import stream


def allocate(
    labels: Sequence[str], groups: Sequence[str], shares: Sequence[int], seed: int
) -> NDArray[np.int64]:
    """Return the part, 0 to len(shares) - 1, of each item; members of a group share theirs.

    Large groups come first, each to the part that it brings closest to its share of the group's
    genres. scikit-learn's `StratifiedGroupKFold` does the same for equal shares, but lets a small
    genre miss a part; here every part gets every genre wherever groups keep to one genre. The order
    of the items does not matter.

    Args:
        labels: genre of each item.
        groups: what must stay together, of each item.
        shares: relative size of each part, such as 3, 1, 1.
        seed: run seed.

    Raises:
        DataError: a genre has fewer groups than there are parts.
    """
    counts = _count_groups(labels, groups, len(shares))
    # Groups of each genre that have no part yet.
    groups_left = (counts > 0).sum(axis=0)

    # Items of each part and genre: as they should be, and as they are so far.
    targets = (np.asarray(shares) / sum(shares))[:, None] * counts.sum(axis=0)
    filled = np.zeros_like(targets)
    part_of_group = np.zeros(len(counts), dtype=np.int64)
    for group in _large_first(counts, seed):
        own = counts[group] > 0
        without = filled[:, own] == 0
        # As many groups left as parts without the genre: none of them may go elsewhere.
        forced = (without & (groups_left[own] <= without.sum(axis=0))).any(axis=1)
        fill = ((filled[:, own] + counts[group, own]) / targets[:, own]) @ counts[group, own]
        part = int(np.where(forced | ~forced.any(), fill, np.inf).argmin())
        part_of_group[group] = part
        filled[part] += counts[group]
        groups_left -= own
    return _of_items(part_of_group, groups)


def allocate_evenly(
    labels: Sequence[str], groups: Sequence[str], folds: int, seed: int
) -> NDArray[np.int64]:
    """Return the fold, 0 to folds - 1, of each item; members of a group share theirs.

    Large groups come first, each to the fold that has fewest items of its genres, and among equals
    fewest items: one large group, whose fold cannot be filled up to its share of a genre, does not
    draw the large ones of other genres into the same fold, as `allocate` lets it. The order of the
    items does not matter.

    Args:
        labels: genre of each item.
        groups: what must stay together, of each item.
        folds: how many there are.
        seed: run seed.

    Raises:
        DataError: a genre has fewer groups than there are folds.
    """
    counts = _count_groups(labels, groups, folds)
    shares = counts / counts.sum(axis=0)
    filled, sizes = np.zeros((folds, counts.shape[1])), np.zeros(folds)
    fold_of_group = np.zeros(len(counts), dtype=np.int64)
    for group in _large_first(counts, seed):
        # Rounded, so that equals are equal however they were summed up.
        fill = np.round(filled @ shares[group], 9)
        fold = int(np.lexsort((sizes, fill))[0])
        fold_of_group[group] = fold
        filled[fold] += shares[group]
        sizes[fold] += counts[group].sum()
    return _of_items(fold_of_group, groups)


def _count_groups(labels: Sequence[str], groups: Sequence[str], parts: int) -> NDArray[np.float64]:
    """Return the items of each group and genre, both sorted by name.

    Raises:
        DataError: a genre has fewer groups than there are parts.
    """
    genres, genre_of = np.unique(np.asarray(labels), return_inverse=True)
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.zeros((len(names), len(genres)))
    np.add.at(counts, (group_of, genre_of), 1)
    for genre, number in zip(genres, (counts > 0).sum(axis=0), strict=True):
        if number < parts:
            raise DataError(
                f"genre '{genre}' has only {number} track(s) or groups that can be told apart, and "
                f"the split needs {parts}; add some, choose another split or leave the genre out"
            )
    return counts


def _large_first(counts: NDArray[np.float64], seed: int) -> list[int]:
    """Return the groups, the largest first, those of one size in a random order."""
    shuffled = stream(seed, "split").permutation(len(counts))
    return sorted(shuffled.tolist(), key=lambda group: -counts[group].sum())


def _of_items(of_group: NDArray[np.int64], groups: Sequence[str]) -> NDArray[np.int64]:
    """Return for each item what its group has."""
    of_item: NDArray[np.int64] = of_group[np.unique(np.asarray(groups), return_inverse=True)[1]]
    return of_item
