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
    genres, genre_of = np.unique(np.asarray(labels), return_inverse=True)
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    # Items of each group and genre; groups of each genre that have no part yet.
    counts = np.zeros((len(names), len(genres)))
    np.add.at(counts, (group_of, genre_of), 1)
    groups_left = (counts > 0).sum(axis=0)
    for genre, number in zip(genres, groups_left, strict=True):
        if number < len(shares):
            raise DataError(
                f"genre '{genre}' has only {number} track(s) or groups that can be told apart, and "
                f"the split needs {len(shares)}; add some, choose another split or leave the genre "
                "out"
            )

    # Items of each part and genre: as they should be, and as they are so far.
    targets = (np.asarray(shares) / sum(shares))[:, None] * counts.sum(axis=0)
    filled = np.zeros_like(targets)
    part_of_group = np.zeros(len(names), dtype=np.int64)
    shuffled = stream(seed, "split").permutation(len(names))
    for group in sorted(shuffled, key=lambda g: -counts[g].sum()):
        own = counts[group] > 0
        without = filled[:, own] == 0
        # As many groups left as parts without the genre: none of them may go elsewhere.
        forced = (without & (groups_left[own] <= without.sum(axis=0))).any(axis=1)
        fill = ((filled[:, own] + counts[group, own]) / targets[:, own]) @ counts[group, own]
        part = int(np.where(forced | ~forced.any(), fill, np.inf).argmin())
        part_of_group[group] = part
        filled[part] += counts[group]
        groups_left -= own
    return part_of_group[group_of]
