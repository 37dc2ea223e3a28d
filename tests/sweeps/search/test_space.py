from __future__ import annotations

from typing import Any

import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from genrecls.errors import ConfigError
from genrecls.sweeps.search.space import override_text, read_space


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"low": 8, "high": 64, "step": 8}, IntDistribution(8, 64, step=8)),
        ({"low": 1, "high": 9}, IntDistribution(1, 9)),
        ({"low": 0.0, "high": 0.3, "step": 0.1}, FloatDistribution(0.0, 0.3, step=0.1)),
        ({"low": 1e-4, "high": 1e-2, "log": True}, FloatDistribution(1e-4, 1e-2, log=True)),
        ({"low": 0, "high": 1.5}, FloatDistribution(0, 1.5)),
        ({"choices": [None, [1, 2], True]}, CategoricalDistribution(["null", "[1,2]", "true"])),
    ],
)
def test_a_dimension_is_what_optuna_calls_so(
    value: dict[str, Any], expected: BaseDistribution
) -> None:
    assert read_space({"a.b": value})["a.b"].distribution() == expected


def test_steps_that_do_not_reach_the_end_stop_before_it_without_a_warning() -> None:
    space = read_space(
        {"a": {"low": 8, "high": 30, "step": 8}, "b": {"low": 0, "high": 1, "step": 0.3}}
    )
    assert space["a"].distribution() == IntDistribution(8, 24, step=8)
    reached = space["b"].distribution()
    assert isinstance(reached, FloatDistribution)
    assert reached.high == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"low": 2, "high": 1}, "search.space.k.high: received 1; allowed: more than low=2"),
        ({"low": 0, "high": 1, "log": True}, "search.space.k.log: received true; allowed: with"),
        ({"low": 0, "high": 1, "step": 2}, "search.space.k.step: received 2; allowed: above 0"),
        ({"low": 0}, "search.space.k.high: missing"),
        ({"low": 0, "high": 1, "setp": 1}, "search.space.k.setp: unknown key"),
        ({"low": "a", "high": 1}, "search.space.k.low: received 'a'; allowed: a"),
        ({"choices": [1, 2], "step": 1}, "search.space.k.step: unknown key"),
        ({"choices": [1, 2], "high": 9}, "search.space.k.low: missing"),
        ({"choices": [1]}, "search.space.k.choices: received ['1']; allowed: two or more"),
        ({"choices": ["1", 1]}, "search.space.k.choices: received ['1', '1']; allowed: two"),
        ([1, 2], "search.space.k: received [1, 2]; allowed: {low: .., high: ..}"),
    ],
)
def test_an_impossible_dimension_is_one_line(value: Any, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_space({"k": value})
    assert str(caught.value).startswith(expected), str(caught.value)


def test_a_dimension_that_is_null_is_not_searched() -> None:
    assert set(read_space({"a": None, "b": {"low": 1, "high": 2}})) == {"b"}


def test_values_are_written_as_overrides() -> None:
    block = {"filters": 16, "kernel": [3, 3], "pool_stride": None}
    assert override_text([block]) == "[{filters:16,kernel:[3,3],pool_stride:null}]"
    rate = read_space({"a": {"low": 0.0, "high": 0.5, "step": 0.1}})["a"]
    assert rate.text(0.30000000000000004) == "0.3"
    assert rate.text(0.000314159) == "0.0003142"


@pytest.mark.parametrize(
    ("low", "high", "value", "expected"),
    [
        (0.99, 0.99999, 0.99999, "0.99999"),
        (0.99, 0.99999, 0.9912345, "0.9912"),
        (0.12344, 0.2, 0.12344, "0.12344"),
        (0.0, 0.9999999999, 0.9999999999, "0.9999999999"),
        (12345.5, 12346.5, 12345.6, "12345.6"),
    ],
)
def test_a_value_is_never_rounded_out_of_its_range(
    low: float, high: float, value: float, expected: str
) -> None:
    assert read_space({"a": {"low": low, "high": high}})["a"].text(value) == expected
