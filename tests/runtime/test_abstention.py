"""When a model should not answer, and which sets hold the true genre."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from genrecls.errors import ConfigError
from genrecls.runtime.abstention import (
    ALWAYS,
    MOST_INT8,
    MOST_TRACKS,
    Abstention,
    HeldOutAnswers,
    abstention_for,
    is_held_out,
)

ANSWERS = HeldOutAnswers(
    "validation",
    confidence=(0.9, 0.8, 0.7, 0.6, 0.5),
    right=(True, True, False, True, False),
    true=(0.9, 0.8, 0.2, 0.6, 0.3),
)


def test_the_curve_goes_from_the_surest_answers_to_all() -> None:
    assert ANSWERS.coverage_curve() == [
        (0.9, 0.2, 1.0),
        (0.8, 0.4, 1.0),
        (0.7, 0.6, pytest.approx(2 / 3)),
        (0.6, 0.8, 0.75),
        (0.5, 1.0, 0.6),
    ]


def test_tracks_of_one_confidence_are_answered_together() -> None:
    same = HeldOutAnswers("validation", (0.5, 0.5), (True, False), (0.5, 0.4))
    assert same.coverage_curve() == [(0.5, 1.0, 0.5)]


@pytest.mark.parametrize(
    ("accuracy", "threshold"), [(0.6, 0.5), (0.7, 0.6), (0.75, 0.6), (0.9, 0.8), (1.0, 0.8)]
)
def test_the_threshold_is_the_lowest_that_is_right_often_enough(
    accuracy: float, threshold: float
) -> None:
    assert ANSWERS.threshold(accuracy) == threshold


def test_what_is_never_right_often_enough_is_never_answered() -> None:
    wrong = HeldOutAnswers("validation", (0.9,), (False,), (0.1,))
    assert wrong.threshold(0.5) == inf
    assert Abstention(least=wrong.threshold(0.5)).unknown(1.0)


@pytest.mark.parametrize(
    ("coverage", "threshold"), [(0.8, 0.2), (0.6, 0.3), (0.5, 0.6), (0.9, None)]
)
def test_the_sets_are_those_of_split_conformal_prediction(
    coverage: float, threshold: float | None
) -> None:
    # With five tracks the k-th smallest of six places, rounded down.
    assert ANSWERS.set_threshold(coverage) == threshold


def test_as_many_sets_hold_the_true_genre_as_was_asked_for() -> None:
    rng = np.random.default_rng(0)
    held, counts = [], []
    for _ in range(200):
        probabilities = rng.dirichlet(np.full(4, 0.7), 120)
        truth = np.array([rng.choice(4, p=row**1.5 / (row**1.5).sum()) for row in probabilities])
        known, new = slice(0, 60), slice(60, None)
        answers = HeldOutAnswers.of(
            "validation", probabilities[known], probabilities[known].argmax(axis=1), truth[known]
        )
        sets = Abstention(in_set=answers.set_threshold(0.9))
        found = [sets.genres(row) for row in probabilities[new]]
        held.append(np.mean([true in one for true, one in zip(truth[new], found, strict=True)]))
        counts.append(np.mean([len(one) for one in found]))
    # Over draws of both parts it is 0.9 at least, and no more than a place above.
    assert 0.89 < np.mean(held) < 0.93
    assert np.mean(counts) < 4


def test_a_set_has_its_most_probable_genre_first_and_is_never_empty() -> None:
    assert Abstention(in_set=0.3).genres([0.1, 0.5, 0.4]) == (1, 2)
    assert Abstention(in_set=0.9).genres([0.1, 0.5, 0.4]) == (1,)
    assert not ALWAYS.unknown(0.0)


def test_of_many_tracks_some_are_kept() -> None:
    count = 2 * MOST_TRACKS + 1
    probabilities = np.full((count, 2), 0.5)
    classes = np.zeros(count, np.int64)
    kept = HeldOutAnswers.of("validation", probabilities, classes, classes)
    assert MOST_TRACKS / 2 < len(kept.right) <= MOST_TRACKS


@pytest.mark.parametrize("sure", [0.99997, 255 / 256, 0.65004])
def test_an_answer_as_sure_as_those_that_were_right_is_no_unknown(sure: float) -> None:
    probabilities = np.array([[sure, 1 - sure]] * 40 + [[0.4, 0.6]] * 10)
    truth = np.zeros(50, np.int64)
    answers = HeldOutAnswers.of("validation", probabilities, probabilities.argmax(axis=1), truth)
    chosen, _ = abstention_for(answers, 0.99, 0.5)
    assert not chosen.unknown(sure)
    assert chosen.genres([1 - sure, sure])[0] == 1
    assert 0 in chosen.genres([sure, 1 - sure])


def test_improbable_true_genres_are_not_taken_for_too_few_tracks() -> None:
    answers = HeldOutAnswers("validation", (0.99,) * 50, (False,) * 50, (0.0,) * 50)
    chosen, (line,) = abstention_for(answers, None, 0.9)
    assert line.startswith("sets have the genres of a probability from 0.00 on")
    assert chosen.genres([0.7, 0.3]) == (0, 1)


def test_of_a_file_with_steps_no_more_is_wanted_than_it_can_answer() -> None:
    card = {"part": "test", "confidence": [0.9998, 0.7], "right": [True, False], "true": [1, 0.1]}
    chosen, _ = abstention_for(HeldOutAnswers.from_card(card, MOST_INT8), 0.99, 0.4)
    assert not chosen.unknown(255 / 256)
    assert chosen.unknown(254 / 256)
    assert chosen.genres([255 / 256, 1 / 256]) == (0,)


def test_both_lines_say_what_they_rest_on() -> None:
    chosen, lines = abstention_for(ANSWERS, 0.9, 0.8)
    assert (chosen.least, chosen.in_set) == pytest.approx((0.8, 0.2), abs=1e-4)
    unknown, sets = lines
    assert unknown == (
        "unknown below a probability of 0.80: at least 90% of the answers above it were right on 5 "
        "tracks that it had not heard (validation), 40% of which have one"
    )
    assert sets == (
        "sets have the genres of a probability from 0.20 on, so that 80% of them hold the true "
        "one, by 5 tracks that it had not heard (validation)"
    )
    assert "too few for 99%" in abstention_for(ANSWERS, None, 0.99)[1][0]
    wrong = HeldOutAnswers("validation", (0.9,), (False,), (0.1,))
    assert abstention_for(wrong, 0.5, None)[1][0].startswith("unknown, always")
    assert abstention_for(None, None, None) == (ALWAYS, [])


def test_the_lines_say_what_was_asked_for_and_never_all_for_less() -> None:
    confidence = (*np.linspace(0.996, 0.9999, 999), 0.2)
    answers = HeldOutAnswers("validation", confidence, (True,) * 999 + (False,), (0.9,) * 1000)
    unknown, sets = abstention_for(answers, 0.9995, 0.9995)[1]
    assert unknown.startswith("unknown below a probability of 0.996: at least 99.95% of the")
    assert unknown.endswith("99.9% of which have one")
    assert sets.endswith("are too few for 99.95%")
    assert "so that 29% of them" in abstention_for(answers, None, 0.29)[1][0]


def test_a_model_without_such_answers_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"--coverage: this model does not say .* train or"):
        abstention_for(None, None, 0.9)


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"part": "x", "confidence": [0.5], "true": [0.5], "right": [1]},
        {"part": "x", "confidence": [0.5], "true": [1.5], "right": [True]},
        {"part": "x", "confidence": [0.5, 0.4], "true": [0.5], "right": [True]},
        {"part": "x", "confidence": [], "true": [], "right": []},
        {"part": 3, "confidence": [0.5], "true": [0.5], "right": [True]},
    ],
)
def test_what_a_stranger_writes_is_checked(value: object) -> None:
    assert not is_held_out(value)
    assert is_held_out({"part": "x", "confidence": [0.5], "true": [1], "right": [False]})
