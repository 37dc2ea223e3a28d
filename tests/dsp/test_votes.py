from __future__ import annotations

import numpy as np
import pytest

from genrecls.dsp.votes import check_probabilities, decide
from genrecls.errors import ModelFileError

CLEAR = np.array([[0.6, 0.4, 0.0], [0.6, 0.4, 0.0], [0.0, 1.0, 0.0]])


def test_the_mean_weighs_and_the_majority_counts() -> None:
    assert decide(CLEAR, "mean") == 1
    assert decide(CLEAR, "majority") == 0


@pytest.mark.parametrize(
    ("rows", "winner"),
    [
        ([[0.9, 0.1, 0.0], [0.4, 0.6, 0.0]], 0),
        ([[0.6, 0.4, 0.0], [0.1, 0.9, 0.0]], 1),
        ([[0.5, 0.2, 0.3], [0.1, 0.5, 0.4], [0.2, 0.1, 0.7]], 2),
        # The largest mean has no vote at all, so it is not asked.
        ([[0.51, 0.0, 0.49], [0.0, 0.52, 0.48]], 1),
    ],
)
def test_a_tie_of_votes_is_decided_by_the_mean(rows: list[list[float]], winner: int) -> None:
    assert decide(np.array(rows), "majority") == winner


def test_the_tie_break_never_outweighs_a_vote() -> None:
    rows = np.tile([0.51, 0.49], (1001, 1))
    rows[:500] = [0.0, 1.0]
    assert decide(rows, "mean") == 1
    assert decide(rows, "majority") == 0


@pytest.mark.parametrize("rule", ["mean", "majority"])
def test_one_segment_decides_alone(rule: str) -> None:
    assert decide(np.array([[0.2, 0.5, 0.3]]), "mean" if rule == "mean" else "majority") == 1


HALVES = np.array([[0.5, 0.5], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("probabilities", "reason"),
    [
        ([[0.5, np.nan]], "received values that are no numbers"),
        ([[np.inf, 0.0]], "received values that are no numbers"),
        ([[0.5, 0.5], [0.5, 0.4]], "received 0.4 to 0.5 with the sum 0.9"),
        ([[0.0, 0.0]], "with the sum 0"),
        ([[1.5, -0.5]], "received -0.5 to 1.5 with the sum 1"),
        ([[1.0]], "2 probabilities for each segment"),
        ([[0.2, 0.3, 0.5]], "2 probabilities for each segment"),
    ],
)
def test_what_is_no_distribution_is_refused(probabilities: list[list[float]], reason: str) -> None:
    with pytest.raises(ModelFileError, match=reason):
        check_probabilities(np.array(probabilities), 2)


def test_distributions_pass_with_the_rounding_of_their_kind() -> None:
    check_probabilities(HALVES, 2)
    check_probabilities(HALVES[:0], 2)
    check_probabilities(np.array([[0.501, 0.502]]), 2)
    # 163 genres of equal probability, each rounded to the nearest 256th.
    equal = np.full((1, 163), 2 / 256)
    check_probabilities(equal, 163, step=1 / 256)
    with pytest.raises(ModelFileError):
        check_probabilities(equal, 163)
