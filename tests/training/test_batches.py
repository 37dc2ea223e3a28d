from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import ConfigError
from genrecls.rng import stream
from genrecls.training.batches import draw, epoch_order
from tests.training.toys import augment_settings, batch_maker, toy_examples, trainer_settings

EVERYTHING = {"mixup": 0.4, "time_masks": 2, "frequency_masks": 2, "crop": 0.7}


def _batches(dataset: Any) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    return [(inputs["mfcc"].numpy(), targets.numpy()) for inputs, targets in dataset]


def _equal(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])
        for a, b in zip(one, other, strict=True)
    )


def test_every_example_comes_once_an_epoch_with_its_own_target() -> None:
    examples = toy_examples(30)
    batches = _batches(batch_maker(examples).epoch(4))
    assert [len(targets) for _, targets in batches] == [8, 8, 8, 6]
    pictures = np.concatenate([inputs for inputs, _ in batches])
    targets = np.concatenate([targets for _, targets in batches])
    by_content = {p.tobytes(): t for p, t in zip(pictures, targets.argmax(axis=1), strict=True)}
    expected = dict(
        zip((p.tobytes() for p in examples.inputs["mfcc"]), examples.targets, strict=True)
    )
    assert by_content == expected
    assert (targets.sum(axis=1) == 1).all()


@pytest.mark.parametrize("count", [1, 7, 8, 9, 16])
def test_the_number_of_steps_is_the_number_of_batches(count: int) -> None:
    maker = batch_maker(toy_examples(count))
    assert len(_batches(maker.epoch(0))) == maker.steps


def test_the_order_depends_on_the_epoch_and_the_seed_and_on_nothing_else() -> None:
    examples = toy_examples(30)
    first = _batches(batch_maker(examples).epoch(1))
    again = batch_maker(examples)
    _batches(again.epoch(0))
    np.random.default_rng(0).random(5)
    assert _equal(first, _batches(again.epoch(1)))
    assert _equal(first, _batches(again.epoch(1))), "asking twice changes nothing"
    assert not _equal(first, _batches(again.epoch(2)))
    assert not _equal(first, _batches(batch_maker(examples, seed=1).epoch(1)))


def test_global_seeds_of_the_libraries_change_no_batch() -> None:
    import keras

    maker = batch_maker(toy_examples(30), augment=augment_settings(**EVERYTHING))
    first = _batches(maker.epoch(1))
    keras.utils.set_random_seed(99)
    assert _equal(first, _batches(maker.epoch(1)))


@pytest.mark.parametrize("changes", [{}, EVERYTHING], ids=["plain", "augmented"])
@pytest.mark.parametrize("first_step", [0, 1, 2, 3, 4])
def test_an_epoch_taken_up_in_the_middle_gives_exactly_what_was_left(
    changes: dict[str, float], first_step: int
) -> None:
    maker = batch_maker(toy_examples(30), augment=augment_settings(**changes))
    whole = _batches(maker.epoch(2))
    assert _equal(_batches(maker.epoch(2, first_step)), whole[first_step:])


def test_augmentation_differs_from_epoch_to_epoch_and_from_step_to_step() -> None:
    examples = toy_examples(8)
    same_picture = np.repeat(examples.inputs["mfcc"][:1], 16, axis=0)
    alike = toy_examples(16)
    alike.inputs["mfcc"][:] = same_picture
    maker = batch_maker(alike, augment=augment_settings(crop=0.5))
    (first, _), (second, _) = _batches(maker.epoch(0))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, _batches(maker.epoch(1))[0][0])


def test_without_augmentation_the_pictures_are_the_originals() -> None:
    examples = toy_examples(20)
    originals = {picture.tobytes() for picture in examples.inputs["mfcc"]}
    plain = np.concatenate([inputs for inputs, _ in _batches(batch_maker(examples).epoch(0))])
    assert {picture.tobytes() for picture in plain} == originals


def test_making_batches_leaves_the_examples_as_they_are() -> None:
    examples = toy_examples(20)
    before = examples.inputs["mfcc"].copy()
    _batches(batch_maker(examples, augment=augment_settings(**EVERYTHING)).epoch(0))
    assert np.array_equal(before, examples.inputs["mfcc"])


def test_batches_have_the_types_that_a_network_takes() -> None:
    maker = batch_maker(toy_examples(9), augment=augment_settings(**EVERYTHING))
    for inputs, targets in _batches(maker.epoch(0)):
        assert inputs.dtype == targets.dtype == np.float32


def test_of_an_example_and_its_copies_each_epoch_takes_one_at_random() -> None:
    examples = toy_examples(300)
    copies = tuple({"mfcc": examples.inputs["mfcc"] + shift} for shift in (100, 200))
    maker = batch_maker(replace(examples, copies=copies))
    first, second = (np.concatenate([x for x, _ in _batches(maker.epoch(e))]) for e in (0, 1))
    taken = np.round(first.mean(axis=(1, 2)) / 100)
    assert sorted(set(taken)) == [0, 1, 2]
    assert all(70 < np.count_nonzero(taken == version) < 130 for version in (0, 1, 2))
    originals = first - 100 * taken[:, None, None]
    wanted = {round(float(picture.sum()), 1) for picture in examples.inputs["mfcc"]}
    assert {round(float(picture.sum(dtype=np.float64)), 1) for picture in originals} <= {
        round(total + off, 1) for total in wanted for off in (-0.1, 0, 0.1)
    }
    assert not np.array_equal(np.sort(taken), np.round(second.mean(axis=(1, 2)) / 100))
    again = np.concatenate([x for x, _ in _batches(maker.epoch(0))])
    np.testing.assert_array_equal(first, again)


def test_balanced_batches_have_as_many_of_each_genre() -> None:
    examples = toy_examples(60)
    rare = replace(examples, targets=np.array([0] * 50 + [1] * 8 + [2] * 2))
    result = _batches(batch_maker(rare, even="genres", batch_size=12).epoch(0))
    assert [targets.sum(axis=0).tolist() for _, targets in result] == [[4, 4, 4]] * 5


def test_batches_over_tracks_have_as_many_of_each_track_however_long_it_is() -> None:
    tracks = tuple("mix" if n < 50 else f"song {n % 5}" for n in range(60))
    examples = replace(toy_examples(60), tracks=tracks)
    maker = batch_maker(examples, even="tracks", batch_size=12)
    pictures = {p.tobytes(): t for p, t in zip(examples.inputs["mfcc"], tracks, strict=True)}
    for inputs, _ in _batches(maker.epoch(0)):
        drawn = Counter(pictures[picture.tobytes()] for picture in inputs)
        assert drawn == dict.fromkeys(set(tracks), 2)


@pytest.mark.parametrize("drawn", [{"crops": 4}, {"even": "tracks"}])
def test_genres_have_the_shares_of_their_tracks_where_these_come_equally_often(
    drawn: dict[str, Any],
) -> None:
    targets = np.repeat([0, 0, 1, 2, -1], [40, 10, 5, 3, 2])
    tracks = tuple(np.repeat(["a", "b", "c", "d", "unlabelled"], [40, 10, 5, 3, 2]).tolist())
    examples = replace(toy_examples(60), targets=targets, tracks=tracks)
    assert sorted(batch_maker(examples, **drawn).drawn_genres.tolist()) == [0, 0, 1, 2]
    assert len(batch_maker(examples).drawn_genres) == 58


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


def test_random_crops_are_as_many_of_each_track_and_others_in_every_epoch() -> None:
    examples = replace(toy_examples(30), tracks=tuple("a" * 20 + "b" * 8 + "c" * 2))
    track_of = dict(
        zip((p.tobytes() for p in examples.inputs["mfcc"]), examples.tracks, strict=True)
    )
    maker = batch_maker(examples, crops=4)
    assert maker.steps == 2
    epochs = [_batches(maker.epoch(number)) for number in range(3)]
    seen = [
        [picture.tobytes() for inputs, _ in batches for picture in inputs] for batches in epochs
    ]
    for pictures in seen:
        assert Counter(track_of[p] for p in pictures) == {"a": 4, "b": 4, "c": 4}
    assert not set(seen[0]) == set(seen[1]) == set(seen[2])
    assert _equal(epochs[1], _batches(maker.epoch(1)))
    assert _equal(epochs[1][1:], _batches(maker.epoch(1, first_step=1)))


def test_no_crop_of_a_track_comes_again_before_all_others_have_come() -> None:
    tracks = ["a"] * 5 + ["b"] * 3
    rows = draw(tracks, 4, seed=0, epoch=0)
    assert len(set(rows[:4].tolist())) == 4
    assert Counter(rows[4:].tolist()).most_common(1)[0][1] == 2
    assert set(rows[4:].tolist()) == {5, 6, 7}


def test_genres_are_equally_often_among_random_crops() -> None:
    examples = replace(
        toy_examples(12),
        targets=np.array([0] * 8 + [1] * 2 + [2] * 2),
        tracks=tuple("aabbccddeeff"),
    )
    batches = _batches(batch_maker(examples, crops=2, even="genres").epoch(0))
    targets = np.concatenate([targets for _, targets in batches])
    assert targets.sum(axis=0).tolist() == [4, 4, 4]
