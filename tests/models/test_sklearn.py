from __future__ import annotations

from typing import Any

import pytest

from genrecls.config.paths import conf_dir
from genrecls.config.validation import select
from genrecls.errors import ConfigError
from genrecls.files.tables import read_yaml
from genrecls.models.base import MODELS
from genrecls.models.sklearn import Sklearn


def family(**changes: Any) -> Sklearn:
    values = read_yaml(conf_dir() / "model" / "sklearn.yaml")
    chosen = select(MODELS, {**values, **changes})
    assert isinstance(chosen, Sklearn)
    return chosen


@pytest.mark.parametrize(
    ("estimator", "keys"),
    {
        "svm": {"scaling", "c", "gamma"},
        "logistic": {"scaling", "c"},
        "random_forest": {"leaf"},
        "boosting": {"leaf"},
        "knn": {"scaling", "neighbours"},
    }.items(),
)
def test_the_choices_of_an_estimator_are_all_combinations_of_its_own_keys(
    estimator: str, keys: set[str]
) -> None:
    chosen = family(estimator=estimator)
    choices = chosen.choices()
    assert all(choice.keys() == keys for choice in choices)
    lengths = [len(getattr(chosen.candidates, key)) for key in keys]
    assert len({tuple(choice.values()) for choice in choices}) == len(choices)
    product = 1
    for length in lengths:
        product *= length
    assert len(choices) == product


def test_a_linear_kernel_has_no_gamma() -> None:
    assert "gamma" not in family(kernel="linear").choices()[0]


def test_tables_and_pictures_are_taken_and_films_refused_in_one_line() -> None:
    family().check({"table": (57,), "picture": (48, 40, 3)})
    with pytest.raises(ConfigError, match=r"^model=sklearn: takes .*; the chosen .* film"):
        family().check({"film": (3, 48, 40, 3)})
    with pytest.raises(ConfigError, match=r"^model=sklearn: takes .* give none"):
        family().check({})
