"""Order of the training examples in an epoch: all of them, or as many of every genre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genrecls.rng import stream


def epoch_order(
    targets: NDArray[np.int64], seed: int, epoch: int, balanced: bool, batch_size: int
) -> NDArray[np.int64]:
    """Return the examples of one epoch in their order, as many as there are.

    A balanced epoch has equally many of each genre, up to one, and so has each of its batches.
    The examples of a rare genre are repeated, each of them equally often up to one; those of a
    frequent genre are another random choice in every epoch.

    Args:
        targets: class index of each example.
        seed: run seed.
        epoch: number of the epoch.
        balanced: whether genres are drawn equally often; else each example comes once.
        batch_size: examples a batch; it changes balanced epochs only.
    """
    random = stream(seed, "order", epoch)
    if not balanced:
        return random.permutation(len(targets))
    genres = random.permutation(np.unique(targets))
    order = np.empty(len(targets), np.int64)
    # Genres that take turns are spread evenly over any stretch, and so over any batch.
    for turn, genre in enumerate(genres):
        wanted = len(order[turn :: len(genres)])
        members = np.flatnonzero(targets == genre)
        order[turn :: len(genres)] = _repeated(members, wanted, random)
    # Mixup pairs places of a batch: without this it would always pair the same genres.
    for start in range(0, len(order), batch_size):
        random.shuffle(order[start : start + batch_size])
    return order


def _repeated(
    members: NDArray[np.int64], wanted: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return `wanted` of `members`, all of them in a random order before one comes again."""
    rounds = -(-wanted // len(members))
    return np.concatenate([random.permutation(members) for _ in range(rounds)])[:wanted]
