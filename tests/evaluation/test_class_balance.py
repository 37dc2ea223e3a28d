from __future__ import annotations

import numpy as np
import pytest

from genrecls.evaluation.class_balance import (
    Balance,
    balances,
    describe,
    majority_baseline,
    majority_baselines,
)
from genrecls.evaluation.metrics import scores
from genrecls.evaluation.predictions import Predictions

LABELS = ("blues", "jazz", "rock")


def balance(*counts: int) -> Balance:
    return Balance.of(np.repeat(np.arange(len(counts)), counts), LABELS[: len(counts)])


def test_the_ratio_is_of_the_most_frequent_to_the_rarest_genre_that_occurs() -> None:
    result = balance(3, 30, 10)
    assert (LABELS[result.most], LABELS[result.least], result.ratio) == ("jazz", "blues", 10)
    assert balance(0, 30, 10).ratio == 3
    assert balance(7, 7, 7).ratio == 1
    assert result.by_genre() == {"blues": 3, "jazz": 30, "rock": 10}


@pytest.mark.parametrize("test", [(10, 2, 4), (0, 5, 5), (4, 0, 0), (5, 5, 5)])
def test_the_baseline_scores_what_a_model_scores_that_always_answers_that_genre(
    test: tuple[int, ...],
) -> None:
    truth = np.repeat(np.arange(3), test)
    always = np.tile([0.8, 0.1, 0.1], (len(truth), 1))
    tracks = tuple(map(str, range(len(truth))))
    result = scores(Predictions(tracks, np.zeros(len(truth)), truth, always), LABELS)
    baseline = majority_baseline(balance(9, 1, 1), balance(*test))
    assert baseline.genre == "blues"
    assert baseline.accuracy == pytest.approx(result.accuracy)
    assert baseline.macro_f1 == pytest.approx(result.macro_f1)


def test_the_answer_of_the_baseline_is_chosen_on_the_train_part_alone() -> None:
    baseline = majority_baseline(balance(2, 9, 1), balance(90, 9, 1))
    assert (baseline.genre, baseline.accuracy) == ("jazz", 0.09)


def test_tracks_are_counted_once_however_many_segments_they_have() -> None:
    tracks = ("a", "a", "a", "b", "c")
    result = balances(tracks, np.array([0, 0, 0, 2, 2]), LABELS)
    assert result["segment"].by_genre() == {"blues": 3, "jazz": 0, "rock": 2}
    assert result["track"].by_genre() == {"blues": 1, "jazz": 0, "rock": 2}
    baseline = majority_baselines(result, result)
    assert baseline["segment"].genre == "blues"
    assert baseline["track"].genre == "rock"


def test_unequal_genres_are_told_in_one_line_with_what_helps() -> None:
    train = np.repeat(np.arange(3), [437 * 13, 13, 500])
    test = np.repeat(np.arange(3), [276, 24, 700])
    assert describe({"train": train, "test": test}, LABELS) == (
        "train part: blues 5681 ... jazz 13 segments (437 : 1); always 'blues' would score 0.276 "
        "per segment on test; trainer.class_weights=balanced or trainer.batches=balanced gives "
        "rare genres their weight; macro-F1 counts all genres alike"
    )


def test_unequal_genres_are_told_where_nothing_is_tested() -> None:
    line = describe({"train": np.repeat(np.arange(3), [20, 8, 20])}, LABELS, weighed=True)
    assert line == (
        "train part: blues 20 ... jazz 8 segments (2.5 : 1); macro-F1 counts all genres alike"
    )


def test_what_is_chosen_already_is_not_advised() -> None:
    targets = np.repeat(np.arange(3), [20, 8, 20])
    line = describe({"train": targets, "test": targets}, LABELS, weighed=True)
    assert "(2.5 : 1)" in line
    assert "balanced" not in line


def test_about_equal_genres_are_not_worth_a_line() -> None:
    targets = np.repeat(np.arange(3), [15, 10, 12])
    assert describe({"train": targets, "test": targets}, LABELS) == ""
