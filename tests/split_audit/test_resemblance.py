"""What stands out is told, and only where it is known what is usual."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genrecls.split_audit.near_duplicates import resembling


def statistics(many: int) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return list(rng.standard_normal((many, 4, 26)).astype(np.float32))


def test_two_tracks_with_the_same_statistics_are_alike_whatever_their_loudness() -> None:
    tracks = statistics(60)
    twin = tracks[7].copy()
    twin[:, 0] += 50
    (pair,) = resembling([*tracks, twin])
    assert (pair.first, pair.second) == (7, 60)
    assert pair.cosine > 0.999


def test_different_tracks_are_not_resembling() -> None:
    assert resembling(statistics(600)) == []


def test_a_handful_of_tracks_says_nothing() -> None:
    assert resembling([statistics(1)[0]] * 5) == []


def test_equal_tracks_do_not_divide_by_zero() -> None:
    assert resembling([statistics(1)[0]] * 30) == []
