from __future__ import annotations

import numpy as np
import pytest

from genrecls.dsp.votes import decide

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
