"""Turn a plain mapping into a validated dataclass, or into one line that says what is wrong."""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from genrecls.config.schema import Registry
from genrecls.errors import ConfigError, nearest, shown

T = TypeVar("T")
Place = tuple[str | int, ...]

# In the words of a configuration file, not of a programming language.
_KINDS = {
    "bool": "true or false",
    "finite": "a finite number",
    "float": "a number",
    "int": "a whole number",
    "string": "a text (in quotes inside the shell's quotes where it looks like a number)",
    "tuple": "a list",
}


def validate(schema: type[T], values: Any, key: str) -> T:
    """Return `values` as an instance of the dataclass `schema`.

    Args:
        schema: frozen dataclass derived from `Schema`.
        values: mapping as composed by Hydra.
        key: dotted place of the mapping in the configuration, for messages; may be empty.

    Raises:
        ConfigError: names the key, what was received and what is allowed.
    """
    from pydantic import ValidationError

    try:
        # By way of JSON, strictness means what a YAML writer means by it: a list is a tuple and 3
        # is a number with a fraction, but neither `true` nor '3' is the number of epochs.
        checker: Any = _validator(schema)  # type: ignore[arg-type]
        return checker.validate_json(json.dumps(values, default=str), strict=True)  # type: ignore[no-any-return]
    except ValidationError as error:
        problems = _by_place(error.errors(), values)
        first = next(iter(problems))
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ConfigError(_describe(schema, first, problems[first], key) + more) from None


@functools.cache
def _validator(schema: type[Any]) -> Any:
    # Made once for each class: that takes longer than to validate a run.
    from pydantic import TypeAdapter

    return TypeAdapter(schema)


def select(registry: Registry[T], values: Any, where: str | None = None) -> T:
    """Return `values` as an instance of the option of `registry` that its key `name` selects."""
    key = where or registry.group
    if not isinstance(values, Mapping) or "name" not in values:
        raise ConfigError(f"{key}: expected a group with a key 'name', received {shown(values)}")
    name = values["name"]
    if not isinstance(name, str) or name not in registry:
        known = list(registry)
        raise ConfigError(
            f"{key}.name: received {shown(name)}; allowed: {', '.join(known)}"
            f"{nearest(str(name), known)}"
        )
    return validate(registry[name], values, key)


def _by_place(problems: Sequence[Any], values: Any) -> dict[Place, list[Any]]:
    """Return the problems of each place; every member of a union has found its own there.

    What follows from a problem further in is none: a list is too short without its wrong value.
    """
    places: dict[Place, list[Any]] = {}
    for problem in problems:
        places.setdefault(_real_place(problem, values), []).append(problem)
    return {
        place: found
        for place, found in places.items()
        if not any(place == other[: len(place)] != other for other in places)
    }


def _real_place(problem: Any, values: Any) -> Place:
    """Return the place of a problem without the names of union members, which are no keys."""
    loc: Place = problem["loc"]
    if problem["type"] in {"missing", "missing_argument"}:
        # What a list of a certain length lacks is the fault of the list.
        return loc[:-1] if isinstance(loc[-1], int) else loc
    place: list[str | int] = []
    for step in loc:
        if isinstance(values, Mapping) and step in values:
            values = values[step]
        elif isinstance(values, list | tuple) and isinstance(step, int):
            values = values[step] if step < len(values) else None
        else:
            continue
        place.append(step)
    return tuple(place)


def _describe(schema: type[Any], place: Place, problems: Sequence[Any], key: str) -> str:
    where = ".".join([*([key] if key else []), *(str(part) for part in place)])
    problem = problems[0]
    kind = problem["type"]
    if kind in {"unexpected_keyword_argument", "extra_forbidden"}:
        allowed = _fields_at(schema, place[:-1])
        hint = nearest(str(place[-1]), allowed)
        return f"{where}: unknown key; allowed: {', '.join(allowed)}{hint}"
    if kind == "missing" and isinstance(problem["loc"][-1], int):
        given = problem["input"]
        return f"{where}: expected {len(given) + len(problems)} values, received {shown(given)}"
    if kind in {"missing", "missing_argument"}:
        return f"{where}: missing; give it a value"
    if kind == "value_error":
        text = str(problem["ctx"]["error"])
        # A check of the whole group names the field that it is about.
        inside = text.partition(":")[0] in _fields_at(schema, place)
        return f"{where}.{text}" if inside and where else f"{where}: {text}"
    received = shown(problem["input"])
    hint = next(filter(None, (_literal_hint(each) for each in problems)), "")
    hint = hint or _list_hint(_hint_at(schema, place), problem["input"], where)
    return f"{where}: received {received}; allowed: {_allowed(schema, place, problems)}{hint}"


def _allowed(schema: type[Any], place: Place, problems: Sequence[Any]) -> str:
    found = list(dict.fromkeys(_expected(each, schema, place) for each in problems))
    hint = _hint_at(schema, place)
    if types.NoneType in typing.get_args(hint):
        found.append("null")
    return " or ".join(found)


def _expected(problem: Any, schema: type[Any], place: Place) -> str:
    kind = str(problem["type"])
    if kind == "literal_error":
        return ", ".join(_literals(problem))
    if kind in {"dataclass_type", "dataclass_exact_type"}:
        return f"a group of the keys {', '.join(_fields_at(schema, place))}"
    family = kind.partition("_")[0]
    if family in _KINDS:
        return _KINDS[family]
    text: str = problem["msg"].removeprefix("Input should be ").rstrip(".")
    return text.removeprefix("Tuple should have ").replace(" after validation", "")


def _literals(problem: Any) -> list[str]:
    expected = str(problem["ctx"]["expected"]).replace(" or ", ", ")
    return [choice.strip("'") for choice in expected.split(", ")]


def _literal_hint(problem: Any) -> str:
    if problem["type"] != "literal_error" or not isinstance(problem["input"], str):
        return ""
    return nearest(problem["input"], _literals(problem))


def _list_hint(hint: Any, received: Any, where: str) -> str:
    """Return the list that a single value was meant to be, where that would be allowed."""
    from pydantic import TypeAdapter, ValidationError

    if received is None or isinstance(received, list | Mapping):
        return ""
    try:
        TypeAdapter(hint).validate_json(json.dumps([received]), strict=True)
    except ValidationError:
        return ""
    return f"; did you mean '{where}=[{received}]'?"


def _fields_at(schema: type[Any], place: Place) -> list[str]:
    """Return the field names of the dataclass that stands at `place` inside `schema`."""
    found = _dataclass_in(_hint_at(schema, place))
    return [field.name for field in dataclasses.fields(found)] if found else []


def _hint_at(schema: type[Any], place: Place) -> Any:
    """Return the type that is declared for `place` inside `schema`; None where there is none."""
    hint: Any = schema
    for step in place:
        # The items of a list have one type, which is found in the hint of the list.
        inner = _dataclass_in(hint)
        if isinstance(step, int):
            hint = inner
        else:
            hint = typing.get_type_hints(inner).get(step) if inner else None
    return hint


def _dataclass_in(hint: Any) -> type[Any] | None:
    if dataclasses.is_dataclass(hint):
        return typing.cast("type[Any]", hint)
    found = (_dataclass_in(argument) for argument in typing.get_args(hint))
    return next((inner for inner in found if inner), None)
