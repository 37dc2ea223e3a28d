"""The examples that set the scales of an int8 network."""

from __future__ import annotations

import numpy as np
import pytest

from genrecls.export.calibration import choose
from genrecls.training.examples import Examples


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


@pytest.mark.parametrize("count", [3, 9, 30])
def test_every_genre_has_the_same_number_of_examples(count: int) -> None:
    train = examples((40, 10, 25))
    rows = choose(train, count, seed=1).inputs["mfcc"][:, 0].astype(int)
    assert np.bincount(train.targets[rows]).tolist() == [count // 3] * 3
    assert len(set(rows)) == count


def test_a_small_genre_gives_all_it_has_and_the_others_fill_up() -> None:
    train = examples((50, 4, 50))
    rows = choose(train, 34, seed=1).inputs["mfcc"][:, 0].astype(int)
    assert np.bincount(train.targets[rows]).tolist() == [15, 4, 15]


def test_a_small_training_part_is_taken_whole() -> None:
    assert len(choose(examples((3, 2)), 200, seed=0)) == 5


def test_the_tracks_are_those_of_the_examples_and_inputs_stay_together() -> None:
    train = examples((8, 8))
    found = choose(train, 6, seed=3)
    rows = found.inputs["mfcc"][:, 0].astype(int)
    assert found.tracks == tuple(sorted({train.tracks[row] for row in rows}))
    assert (found.inputs["summary"][:, 0] == -rows).all()


def test_the_seed_decides_and_nothing_else() -> None:
    train = examples((40, 40))
    first, again, other = (choose(train, 10, seed).inputs["mfcc"] for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
