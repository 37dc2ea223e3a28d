from __future__ import annotations

from genrecls.sweeps.search.objective import OBJECTIVES
from genrecls.sweeps.search.trial import State, Trial, front, ranked

ACCURACY, LOSS = OBJECTIVES["accuracy"], OBJECTIVES["loss"]
SIZE = OBJECTIVES["parameters"]


def trial(number: int, *values: float, state: State = "finished", run: str = "") -> Trial:
    return Trial(number, state, {}, values, run=run or f"run-{number}")


def test_the_best_score_is_first_and_the_smaller_of_equal_ones() -> None:
    trials = [trial(0, 0.5, 10), trial(1, 0.7, 99), trial(2, 0.7, 9), trial(3, state="pruned")]
    assert [t.number for t in ranked(trials, (ACCURACY, SIZE))] == [2, 1, 0]


def test_a_loss_is_best_where_it_is_smallest() -> None:
    assert [t.number for t in ranked([trial(0, 0.5), trial(1, 0.3)], (LOSS,))] == [1, 0]


def test_trials_that_led_to_one_run_are_one() -> None:
    trials = [trial(0, 0.5, run="a"), trial(1, 0.4), trial(2, 0.5, run="a")]
    assert [t.number for t in ranked(trials, (ACCURACY,))] == [0, 1]


def test_the_front_is_what_nothing_beats_in_both() -> None:
    points = [(0.9, 100), (0.8, 50), (0.8, 60), (0.7, 70), (0.5, 10), (0.9, 100)]
    trials = [trial(number, *values) for number, values in enumerate(points)]
    assert [t.number for t in front(trials, (ACCURACY, SIZE))] == [0, 1, 4]
