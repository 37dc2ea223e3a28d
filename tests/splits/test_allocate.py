"""Dealing: groups whole, every hand gets every genre, shares respected, the same every time."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genrecls.errors import DataError
from genrecls.splits.allocate import allocate, allocate_evenly

SHARES = st.lists(st.integers(1, 5), min_size=2, max_size=5).map(tuple)


@st.composite
def decks(draw: st.DrawFn) -> tuple[list[str], list[str], tuple[int, ...]]:
    """Items of up to four genres in groups of up to six, each group of one genre."""
    shares = draw(SHARES)
    labels, groups = [], []
    for genre in range(draw(st.integers(1, 4))):
        sizes = draw(st.lists(st.integers(1, 6), min_size=len(shares), max_size=12))
        for number, size in enumerate(sizes):
            labels += [f"genre{genre}"] * size
            groups += [f"group{genre}.{number}"] * size
    return labels, groups, shares


SEEDS = st.integers(0, 2**32)


@given(decks(), SEEDS)
def test_every_item_is_dealt_once_and_groups_stay_whole(
    deck: tuple[list[str], list[str], tuple[int, ...]], seed: int
) -> None:
    labels, groups, shares = deck
    hands = allocate(labels, groups, shares, seed)
    assert hands.shape == (len(labels),)
    assert set(hands) == set(range(len(shares)))
    assert len(set(zip(groups, hands, strict=True))) == len(set(groups))


@given(decks(), SEEDS)
def test_every_hand_gets_every_genre(
    deck: tuple[list[str], list[str], tuple[int, ...]], seed: int
) -> None:
    labels, groups, shares = deck
    hands = allocate(labels, groups, shares, seed)
    assert len(set(zip(labels, hands, strict=True))) == len(set(labels)) * len(shares)


@given(decks(), SEEDS)
def test_no_hand_gets_more_than_its_share_and_one_group(
    deck: tuple[list[str], list[str], tuple[int, ...]], seed: int
) -> None:
    labels, groups, shares = deck
    hands = allocate(labels, groups, shares, seed)
    dealt = Counter(zip(labels, hands, strict=True))
    largest = dict.fromkeys(labels, 0)
    for group, size in Counter(groups).items():
        label = labels[groups.index(group)]
        largest[label] = max(largest[label], size)
    for (label, hand), count in dealt.items():
        share = labels.count(label) * shares[hand] / sum(shares)
        # A hand is compared with the others in parts of its share: a large hand may take a group
        # that would weigh more in a small one.
        excess = largest[label] * max(1, shares[hand] / min(shares))
        assert count <= share + excess + 1e-9


@given(decks(), SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter(
    deck: tuple[list[str], list[str], tuple[int, ...]], seed: int, random: object
) -> None:
    labels, groups, shares = deck
    order = list(range(len(labels)))
    random.shuffle(order)  # type: ignore[attr-defined]
    hands = allocate(labels, groups, shares, seed)
    shuffled = allocate([labels[i] for i in order], [groups[i] for i in order], shares, seed)
    np.testing.assert_array_equal(shuffled, hands[order])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("uvwxyz")), min_size=1), SEEDS)
def test_groups_of_several_genres_stay_whole_too(items: list[tuple[str, str]], seed: int) -> None:
    labels, groups = [label for label, _ in items], [group for _, group in items]
    few = min(len({g for label, g in items if label == wanted}) for wanted in labels)
    if few < 2:
        with pytest.raises(DataError, match="has only 1 track"):
            allocate(labels, groups, (3, 1), seed)
        return
    hands = allocate(labels, groups, (3, 1), seed)
    assert len(set(zip(groups, hands, strict=True))) == len(set(groups))


def test_equal_items_are_dealt_exactly_by_their_shares() -> None:
    labels = [genre for genre in ("blues", "rock") for _ in range(100)]
    hands = allocate(labels, [str(i) for i in range(200)], (3, 1, 1), seed=0)
    counts = Counter(zip(labels, map(int, hands), strict=True))
    assert counts == {(g, h): n for g in ("blues", "rock") for h, n in enumerate((60, 20, 20))}


def test_seeds_deal_differently_and_a_seed_always_alike() -> None:
    labels, groups = ["x"] * 60, [str(i) for i in range(60)]
    dealt = [tuple(allocate(labels, groups, (3, 1, 1), seed)) for seed in range(5)]
    assert len(set(dealt)) == 5
    assert dealt[3] == tuple(allocate(labels, groups, (3, 1, 1), 3))


def test_too_few_groups_of_a_genre_are_one_clear_line() -> None:
    with pytest.raises(DataError) as caught:
        allocate(
            ["blues"] * 3 + ["rock"] * 4, ["a", "b", "c", "d", "d", "e", "e"], (3, 1, 1), seed=0
        )
    assert str(caught.value) == (
        "genre 'rock' has only 2 track(s) or groups that can be told apart, and the split needs 3; "
        "add some, choose another split or leave the genre out"
    )


@given(decks(), SEEDS)
def test_even_folds_keep_groups_whole_and_have_every_genre_whatever_the_order(
    deck: tuple[list[str], list[str], tuple[int, ...]], seed: int
) -> None:
    labels, groups, shares = deck
    folds = allocate_evenly(labels, groups, len(shares), seed)
    assert len(set(zip(groups, folds, strict=True))) == len(set(groups))
    assert len(set(zip(labels, folds, strict=True))) == len(set(labels)) * len(shares)
    turned = allocate_evenly(labels[::-1], groups[::-1], len(shares), seed)
    assert turned[::-1].tolist() == folds.tolist()


def test_one_large_group_of_each_genre_goes_to_a_fold_of_its_own() -> None:
    """`allocate` puts them together: 46 tracks in one fold of GTZAN and 27 in another."""
    labels, groups = [], []
    for genre in ("blues", "jazz", "rock"):
        for number, size in enumerate([8, 2, 2, 2, 2]):
            labels += [genre] * size
            groups += [f"{genre}{number}"] * size
    folds = allocate_evenly(labels, groups, 3, seed=0)
    large = [folds[groups.index(f"{genre}0")] for genre in ("blues", "jazz", "rock")]
    assert len(set(large)) == 3
    assert np.bincount(folds).tolist() == [16, 16, 16]
