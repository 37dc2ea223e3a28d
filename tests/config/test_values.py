"""What the sources say of a key is what its class allows."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

import pytest

from genrecls.cli.data.split_report import ReportSettings
from genrecls.cli.evaluate import EvaluateSettings
from genrecls.config.registered import SCHEMAS
from genrecls.config.schema import single_class
from genrecls.config.values import allowed
from genrecls.experiment.experiment import GROUPS, RunSettings
from genrecls.export.settings import ExportSettings
from genrecls.sweeps.search.settings import SearchSettings
from genrecls.sweeps.settings import SweepSettings
from tests.registries import SELECTED

ROOTS = {
    "train": RunSettings,
    "sweep": SweepSettings,
    "evaluate": EvaluateSettings,
    "export": ExportSettings,
    "split_report": ReportSettings,
    "search": SearchSettings,
}
OPTIONS = [(group, name) for group, registry in SELECTED.items() for name in registry]


def literals(hint: Any) -> Iterator[str]:
    """Yield the values that a type names, as they are written in YAML."""
    if typing.get_origin(hint) is Literal:
        for value in typing.get_args(hint):
            yield "null" if value is None else str(value)
    elif hint is bool:
        yield from ("true", "false")
    elif hint is types.NoneType:
        yield "null"
    elif not dataclasses.is_dataclass(hint) and typing.get_origin(hint) is not dict:
        for part in typing.get_args(hint):
            yield from literals(part)


def places(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the place of every key of a class, those of the classes in it too, with its type."""
    hints = typing.get_type_hints(schema)
    for field in dataclasses.fields(schema):
        hint, here = hints[field.name], (*path, field.name)
        yield here, hint
        inner = [hint, *typing.get_args(hint)]
        for part in (each for each in inner if dataclasses.is_dataclass(each)):
            inside = here if part is hint else (*here, "0")
            yield from places(part, inside if typing.get_origin(hint) is tuple else here)


def check(group: str, name: str | None, schema: type[Any]) -> None:
    """Compare the sources with a class, key by key."""
    for path, hint in places(schema):
        assert set(allowed(group, name, path).values) == set(literals(hint)), path


@pytest.mark.parametrize(("group", "name"), OPTIONS, ids="=".join)
def test_the_sources_tell_the_values_of_every_option(group: str, name: str) -> None:
    check(group, name, SELECTED[group][name])


@pytest.mark.parametrize("place", SCHEMAS)
def test_the_sources_tell_the_values_of_every_other_class(place: str) -> None:
    check(place, None, single_class(place))


def test_every_group_of_one_class_is_there() -> None:
    assert {place: single_class(place) for place in ROOTS} == ROOTS
    assert set(GROUPS) - set(SELECTED) <= SCHEMAS.keys()


def test_lists_are_told_from_single_values() -> None:
    assert allowed("export", None, ["modes"]).several
    assert allowed("model", "cnn", ["head", "units"]).several
    assert allowed("model", "cnn", ["conv", "blocks", "0", "pool"]).several
    assert not allowed("trainer", None, ["monitor"]).several


@pytest.mark.parametrize(
    ("place", "name", "path"),
    [
        ("model", "nope", ["name"]),
        ("model", None, ["name"]),
        ("model", "cnn", ["nope"]),
        ("model", "cnn", ["head", "nope", "deeper"]),
        ("train", None, ["nope"]),
        ("experiment", "karam_vgg16", ["name"]),
    ],
)
def test_what_is_not_known_has_no_values(place: str, name: str | None, path: list[str]) -> None:
    assert allowed(place, name, path).values == ()
