"""Streams of randomness depend on their name and numbers, and on nothing that happened before."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from genrecls.rng import stream, stream_seed

# A name always goes with the same count of numbers: NumPy takes a missing one for a zero.
KEYS: list[tuple[int, str, tuple[int, ...]]] = [
    (0, "order", (0,)),
    (0, "order", (1,)),
    (1, "order", (0,)),
    (0, "split", ()),
    (0, "pairs", (1, 2)),
    (0, "pairs", (2, 1)),
]


def test_a_stream_is_the_same_whatever_was_drawn_before() -> None:
    expected = stream(3, "order", 5).random(8)
    stream(3, "order", 4).random(1000)
    np.testing.assert_array_equal(stream(3, "order", 5).random(8), expected)


def test_other_seeds_names_and_numbers_are_other_streams() -> None:
    drawn = [stream(seed, name, *numbers).random(8) for seed, name, numbers in KEYS]
    for first, second in combinations(drawn, 2):
        assert not np.array_equal(first, second)


def test_seeds_for_other_libraries_are_their_integers() -> None:
    seeds = {stream_seed(number, "weights") for number in range(100)}
    assert len(seeds) == 100
    assert all(0 <= seed < 2**31 for seed in seeds)
