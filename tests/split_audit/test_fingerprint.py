"""Landmarks depend on what is heard, not on how it is stored."""

from __future__ import annotations

import numpy as np
import pytest

from genrecls.split_audit.fingerprint import RATE, fingerprint
from tests.split_audit.copies import music


def test_landmarks_are_the_same_whatever_the_level() -> None:
    sound = music(1)
    loud, soft = fingerprint(sound), fingerprint(sound * np.float32(2**-6))
    assert len(loud) > 100
    assert np.array_equal(loud.hashes, soft.hashes)
    assert np.array_equal(loud.times, soft.times)


def test_a_later_start_only_moves_the_landmarks() -> None:
    sound = music(2)
    late = np.concatenate([np.zeros(512 * 40, np.float32), sound])
    was, now = fingerprint(sound), fingerprint(late)
    pairs = set(zip(was.hashes.tolist(), (was.times + 40).tolist(), strict=True))
    kept = pairs & set(zip(now.hashes.tolist(), now.times.tolist(), strict=True))
    # The loudest of each second are kept, and the seconds begin elsewhere now.
    assert len(kept) > 0.6 * len(pairs)


@pytest.mark.parametrize("length", [0, 1, 2047])
def test_less_than_a_frame_has_no_landmarks(length: int) -> None:
    assert len(fingerprint(np.ones(length, np.float32))) == 0


def test_silence_has_hardly_any_landmarks() -> None:
    assert len(fingerprint(np.zeros(3 * RATE, np.float32))) == 0


def test_their_number_is_bounded_by_the_length() -> None:
    noise = np.random.default_rng(0).standard_normal(10 * RATE).astype(np.float32)
    assert len(fingerprint(noise)) <= 10 * 10 * 5
