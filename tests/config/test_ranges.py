"""Ranges of numbers hold when values are validated."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from genrecls.config.ranges import Count, Distance, Proportion, Seconds, Share


@pytest.mark.parametrize(
    ("kind", "inside", "outside"),
    [
        (Share, (0, 0.999), (-0.001, 1, nan)),
        (Proportion, (0, 1), (-0.001, 1.001, inf)),
        (Count, (0, 2**53), (-1, 2**53 + 1, 0.5)),
        (Seconds, (0, 1e10), (-1, 2e10, inf)),
        (Distance, (0, 1e300), (-1e-9,)),
    ],
)
def test_bounds_hold(kind: Any, inside: tuple[float, ...], outside: tuple[float, ...]) -> None:
    adapter = TypeAdapter(kind)
    for value in inside:
        assert adapter.validate_python(value) == value
    for value in outside:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def test_a_range_that_may_be_absent_takes_none() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Proportion | None)
    assert adapter.validate_python(None) is None
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        adapter.validate_python(2)
