"""Dealing items out in given shares, genres balanced and groups whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import DataError
from genrecls.rng import stream


def allocate(
    labels: Sequence[str], groups: Sequence[str], shares: Sequence[int], seed: int
) -> NDArray[np.int64]:
    """Return the hand, 0 to len(shares) - 1, of each item; members of a group share theirs.

    Large groups are dealt first, each to the hand that it brings closest to its share of the
    group's genres. scikit-learn's `StratifiedGroupKFold` does the same for equal shares, but lets a
    small genre miss a hand; here every hand gets every genre wherever groups keep to one genre.
    The order of the items does not matter.

    Args:
        labels: genre of each item.
        groups: what must not be torn apart, of each item.
        shares: relative size of each hand, such as 3, 1, 1.
        seed: run seed.

    Raises:
        DataError: a genre has fewer groups than there are hands.
    """
    genres, genre_of = np.unique(np.asarray(labels), return_inverse=True)
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.zeros((len(names), len(genres)))
    np.add.at(counts, (group_of, genre_of), 1)
    _require_groups(genres, counts, len(shares))
    hands = _deal_groups(counts, np.asarray(shares) / sum(shares), seed)
    return hands[group_of]


def _deal_groups(
    counts: NDArray[np.float64], shares: NDArray[np.float64], seed: int
) -> NDArray[np.int64]:
    """Return the hand of each group from its items per genre, shape (groups, genres)."""
    targets = shares[:, None] * counts.sum(axis=0)
    dealt = np.zeros_like(targets)
    left = (counts > 0).sum(axis=0)
    hands = np.zeros(len(counts), dtype=np.int64)
    shuffled = stream(seed, "split").permutation(len(counts))
    for group in sorted(shuffled, key=lambda g: -counts[g].sum()):
        own = counts[group] > 0
        lacking = dealt[:, own] == 0
        # As many groups left as hands without the genre: none of them may go elsewhere.
        forced = (lacking & (left[own] <= lacking.sum(axis=0))).any(axis=1)
        fill = ((dealt[:, own] + counts[group, own]) / targets[:, own]) @ counts[group, own]
        hand = int(np.where(forced | ~forced.any(), fill, np.inf).argmin())
        hands[group] = hand
        dealt[hand] += counts[group]
        left -= own
    return hands


def _require_groups(genres: NDArray[np.str_], counts: NDArray[np.float64], hands: int) -> None:
    for genre, found in zip(genres, (counts > 0).sum(axis=0), strict=True):
        if found < hands:
            raise DataError(
                f"genre '{genre}' has only {found} track(s) or groups that can be told apart, and "
                f"the split needs {hands}; add some, choose another split or leave the genre out"
            )
