"""Numbers as they are written."""

from __future__ import annotations

import pytest

from genrecls.reports.numbers import beyond


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        (2.53, 1.0, "2.5"),
        (0.98123, 1.0, "0.98"),
        (1.009, 1.0, "1.01"),
        (1.0000001, 1.0, "1.0000001"),
        (1.31, 1.25, "1.3"),
        (1.249, 1.25, "1.2"),
        (1.204, 1.2, "1.204"),
        (1.0, 1.0, "1"),
        (-0.999, -1.0, "-0.999"),
    ],
)
def test_a_number_that_decides_is_seen_to_be_beyond_its_limit(
    value: float, limit: float, expected: str
) -> None:
    assert beyond(value, limit) == expected
