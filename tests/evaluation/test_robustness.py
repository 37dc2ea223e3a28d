from __future__ import annotations

import numpy as np
import pytest

from genrecls.evaluation.paired_tests import PairedDecisions
from genrecls.evaluation.robustness import CLEAN, robustness_scores


def fold(number: int, right: list[bool]) -> PairedDecisions:
    truth = tuple((f"{number}-{track}", "jazz") for track in range(len(right)))
    return PairedDecisions(f"run{number}", "test", truth, np.array(right))


def test_the_folds_of_a_split_are_taken_together_track_by_track() -> None:
    clean = [fold(1, [True] * 20), fold(2, [True] * 10)]
    noise = [fold(1, [False] * 20), fold(2, [True] * 10)]
    scores = robustness_scores({CLEAN: clean, "noise": noise})
    assert scores["noise"].accuracy == pytest.approx(1 / 3)
    difference = scores["noise"].difference
    assert difference is not None
    assert difference.mean == pytest.approx(-2 / 3)
    assert difference.interval[1] < 0
    assert scores[CLEAN].difference is None
