"""The examples that set the scales of an int8 network."""

from __future__ import annotations

import numpy as np
import pytest

from genrecls.export.convert.calibration import choose_calibration
from genrecls.training.data import Examples


def examples(counts: tuple[int, ...]) -> Examples:
    """Return `counts` examples of each genre, one track for two of them; the input is the row."""
    targets = np.repeat(np.arange(len(counts)), counts)
    rows = np.arange(len(targets))
    return Examples(
        inputs={
            "mfcc": rows[:, None].astype(np.float32),
            "summary": -rows[:, None] * np.float32(1),
        },
        targets=targets,
        tracks=tuple(f"t{row // 2}" for row in rows),
        starts=np.zeros(len(rows)),
    )


def chosen(train: Examples, count: int, seed: int = 1) -> list[int]:
    """Return the rows that are chosen, without the first and the last: these are the extremes."""
    rows: list[int] = (
        choose_calibration(train, count, seed).inputs["mfcc"][:, 0].astype(int).tolist()
    )
    assert {0, len(train) - 1} <= set(rows)
    return rows[1:-1]


@pytest.mark.parametrize("count", [3, 9, 30])
def test_every_genre_has_about_the_same_number_of_examples(count: int) -> None:
    train = examples((40, 10, 25))
    found = np.bincount(train.targets[chosen(train, count)], minlength=3)
    # One of the dealt examples of the first and of the last genre may be an extreme itself.
    assert (found <= count // 3).all()
    assert (found >= count // 3 - 1).all()


def test_a_small_genre_gives_all_it_has_and_the_others_fill_up() -> None:
    train = examples((50, 4, 50))
    first, small, last = np.bincount(train.targets[chosen(train, 34)])
    assert small == 4
    assert first in {14, 15}
    assert last in {14, 15}


def test_the_quietest_and_the_loudest_segment_are_always_there() -> None:
    train = examples((40, 40))
    values = train.inputs["mfcc"][:, 0]
    for seed in range(5):
        found = choose_calibration(train, 4, seed).inputs["mfcc"][:, 0]
        assert (found.min(), found.max()) == (values.min(), values.max())


def test_a_small_training_part_is_taken_whole() -> None:
    assert len(choose_calibration(examples((3, 2)), 200, seed=0)) == 5


def test_the_tracks_are_those_of_the_examples_and_inputs_stay_together() -> None:
    train = examples((8, 8))
    found = choose_calibration(train, 6, seed=3)
    rows = found.inputs["mfcc"][:, 0].astype(int)
    assert found.tracks == tuple(sorted({train.tracks[row] for row in rows}))
    assert (found.inputs["summary"][:, 0] == -rows).all()


def test_the_seed_decides_and_nothing_else() -> None:
    train = examples((40, 40))
    assert chosen(train, 10, seed=1) == chosen(train, 10, seed=1)
    assert chosen(train, 10, seed=1) != chosen(train, 10, seed=2)
