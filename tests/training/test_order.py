from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import ConfigError
from genrecls.rng import stream
from genrecls.training.batches import epoch_order
from tests.training.toys import trainer_settings

RARE = np.repeat([0, 1, 2, 3], [100, 37, 12, 1])
"""Class indices of 150 examples, sorted, so that places in the order tell the genre."""


def balanced(
    targets: NDArray[np.int64] = RARE, epoch: int = 0, batch_size: int = 8, seed: int = 0
) -> NDArray[np.int64]:
    return epoch_order(targets, seed, epoch, balanced=True, batch_size=batch_size)


def spread(counts: NDArray[np.int64]) -> int:
    return int(counts.max() - counts.min())


def test_a_shuffled_epoch_is_the_permutation_that_it_has_always_been() -> None:
    order = epoch_order(RARE, 7, 3, balanced=False, batch_size=8)
    assert np.array_equal(order, stream(7, "order", 3).permutation(150))
    assert np.array_equal(order, epoch_order(RARE, 7, 3, balanced=False, batch_size=32))


def test_a_balanced_epoch_is_as_long_and_has_every_genre_equally_often_up_to_one() -> None:
    order = balanced()
    assert order.dtype == np.int64
    assert len(order) == 150
    assert sorted(np.bincount(RARE[order])) == [37, 37, 38, 38]


@pytest.mark.parametrize("batch_size", [1, 3, 4, 8, 10, 32, 150, 999])
def test_every_batch_has_every_genre_equally_often_up_to_one(batch_size: int) -> None:
    order = balanced(batch_size=batch_size)
    for start in range(0, 150, batch_size):
        batch = RARE[order[start : start + batch_size]]
        assert spread(np.bincount(batch, minlength=4)) <= 1


def test_the_examples_of_a_rare_genre_are_repeated_equally_often_up_to_one() -> None:
    counts = np.bincount(balanced(), minlength=150)
    for genre in (1, 2, 3):
        assert spread(counts[genre == RARE]) <= 1
    assert counts[-1] in {37, 38}, "the only one of its genre"


def test_a_frequent_genre_shows_another_choice_every_epoch_and_no_example_twice() -> None:
    seen = [set(order[order < 100]) for order in (balanced(epoch=epoch) for epoch in range(30))]
    assert {len(chosen) for chosen in seen} <= {37, 38}
    assert seen[0] != seen[1]
    assert set.union(*seen) == set(range(100)), "all of them come in time"


def test_equally_frequent_genres_come_once_each_when_balanced() -> None:
    order = balanced(np.arange(60) % 3)
    assert sorted(order) == list(range(60))


def test_a_balanced_order_hangs_on_seed_and_epoch_alone() -> None:
    first = balanced(epoch=4)
    np.random.default_rng(0).random(5)
    assert np.array_equal(first, balanced(epoch=4))
    assert not np.array_equal(first, balanced(epoch=5))
    assert not np.array_equal(first, balanced(epoch=4, seed=1))


def test_the_genres_that_mixup_pairs_change_from_batch_to_batch() -> None:
    targets = np.arange(320) % 4
    batches = targets[balanced(targets)].reshape(-1, 8)
    pairs = {
        tuple(sorted(pair)) for batch in batches for pair in zip(batch, batch[::-1], strict=True)
    }
    assert len(pairs) == 10, "every genre with every one, itself too"


def test_a_genre_without_examples_is_left_out() -> None:
    targets = np.array([0, 0, 0, 3])
    assert sorted(targets[balanced(targets)]) == [0, 0, 3, 3]


def test_weights_and_balanced_batches_together_are_refused_as_the_same_correction_twice() -> None:
    with pytest.raises(ConfigError, match=r"^trainer\.batches: .*class_weights=balanced.* twice"):
        trainer_settings(batches="balanced", class_weights="balanced")
    assert trainer_settings(batches="balanced").weighs_genres
    assert trainer_settings(class_weights="balanced").weighs_genres
    assert not trainer_settings().weighs_genres


def test_a_single_genre_is_only_shuffled() -> None:
    assert sorted(balanced(np.zeros(5, np.int64))) == [0, 1, 2, 3, 4]
