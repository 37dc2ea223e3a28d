"""Schemas say in words and for editors what pydantic checks."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from pydantic import PositiveInt

from genrecls.config.json_schema import (
    attributes,
    described_type,
    file_schema,
    key_schema,
    schema_of,
)
from genrecls.config.ranges import Share
from genrecls.config.registered import SCHEMAS
from genrecls.config.schema import Schema, class_of
from tests.registries import SELECTED


@dataclass(frozen=True)
class Inner(Schema):
    """Inside.

    Attributes:
        width, height: sizes
            in pixels.
        kind: which.

    More words.
    """

    width: PositiveInt
    height: PositiveInt
    kind: Literal["a", "b"] | None = None


@dataclass(frozen=True)
class Outer(Schema):
    """Outside."""

    part: Inner
    parts: tuple[Inner, ...]
    share: Share
    pair: tuple[int, int]
    name: str = "x"


SCHEMA = schema_of(Outer)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("part", "mapping"),
        ("part.width", "integer from 1"),
        ("part.kind", "`a`, `b` or `null`"),
        ("parts", "list of mapping"),
        ("parts.*.height", "integer from 1"),
        ("share", "number from 0 below 1"),
        ("pair", "list of 2: integer"),
        ("name", "text"),
        ("absent", "any value"),
    ],
)
def test_what_a_key_takes_is_said_in_words(key: str, words: str) -> None:
    assert described_type(key_schema(SCHEMA, key.split(".")), SCHEMA["$defs"]) == words


def test_attributes_are_read_from_a_docstring() -> None:
    words = "sizes in pixels."
    assert attributes(inspect.getdoc(Inner) or "") == {
        "width": words,
        "height": words,
        "kind": "which.",
    }


def test_a_file_may_leave_keys_out_and_refer_to_others() -> None:
    schema = file_schema(Outer)
    assert "required" not in schema
    assert "required" not in schema["$defs"]["Inner"]
    assert {"type": "string", "pattern": r"^\$\{"} in schema["properties"]["share"]["anyOf"]
    # Before 2.13 pydantic leaves the docstrings of dataclasses out, and so have editors no words.
    about = "sizes in pixels." if "description" in schema["$defs"]["Inner"] else None
    assert schema["$defs"]["Inner"]["properties"]["width"].get("description") == about
    assert schema["properties"]["defaults"] == {"type": "array"}
    assert schema["additionalProperties"] is False


def test_every_class_of_a_configuration_has_a_schema() -> None:
    classes: list[type[Any] | None] = [class_of(place) for place in SCHEMAS]
    classes += [class_of(group, name) for group, found in SELECTED.items() for name in found]
    assert all(option and schema_of(option)["properties"] for option in classes)
    assert class_of("experiment") is None
    assert class_of("model", "no_such") is None
