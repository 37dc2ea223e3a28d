"""Turn a plain mapping into a validated dataclass, or into one line that says what is wrong."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from genrecls.config.schema import Registry
from genrecls.errors import ConfigError, nearest

T = TypeVar("T")


def validate(schema: type[T], values: Any, key: str) -> T:
    """Return `values` as an instance of the dataclass `schema`.

    Args:
        schema: frozen dataclass derived from `Schema`.
        values: mapping as composed by Hydra.
        key: dotted place of the mapping in the configuration, for messages.

    Raises:
        ConfigError: names the key, what was received and what is allowed.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(schema).validate_python(values)
    except ValidationError as error:
        lines = [_describe(schema, problem, key) for problem in error.errors()]
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        raise ConfigError(lines[0] + more) from None


def select(registry: Registry[T], values: Any, where: str | None = None) -> T:
    """Return `values` as an instance of the option of `registry` that its key `name` selects."""
    key = where or registry.group
    if not isinstance(values, Mapping) or "name" not in values:
        raise ConfigError(f"{key}: expected a group with a key 'name', received {values!r}")
    name = values["name"]
    if name not in registry:
        known = list(registry)
        raise ConfigError(
            f"{key}.name: received {name!r}; allowed: {', '.join(known)}{nearest(str(name), known)}"
        )
    return validate(registry[name], values, key)


def _describe(schema: type[Any], problem: Any, key: str) -> str:
    place = ".".join([key, *(str(part) for part in problem["loc"])])
    kind, received = problem["type"], problem["input"]
    if kind in {"unexpected_keyword_argument", "extra_forbidden"}:
        allowed = _fields_at(schema, problem["loc"][:-1])
        hint = nearest(str(problem["loc"][-1]), allowed)
        return f"{place}: unknown key{hint}; allowed: {', '.join(allowed)}"
    if kind in {"missing", "missing_argument"}:
        return f"{place}: missing; give it a value"
    if kind == "value_error":
        return f"{place}: {problem['ctx']['error']}"
    expected = problem["msg"].removeprefix("Input should be ").rstrip(".")
    hint = _literal_hint(problem, received)
    return f"{place}: received {received!r}; allowed: {expected}{hint}"


def _literal_hint(problem: Any, received: Any) -> str:
    if problem["type"] != "literal_error" or not isinstance(received, str):
        return ""
    allowed = problem["ctx"]["expected"].replace(" or ", ", ").split(", ")
    return nearest(received, [choice.strip("'") for choice in allowed])


def _fields_at(schema: type[Any], path: tuple[str | int, ...]) -> list[str]:
    """Return the field names of the dataclass that stands at `path` inside `schema`."""
    if not path:
        return [field.name for field in dataclasses.fields(schema)]
    if isinstance(path[0], int):
        return _fields_at(schema, path[1:])
    hints = typing.get_type_hints(schema)
    inner = _dataclass_in(hints.get(path[0]))
    return _fields_at(inner, path[1:]) if inner else []


def _dataclass_in(hint: Any) -> type[Any] | None:
    if dataclasses.is_dataclass(hint):
        return typing.cast("type[Any]", hint)
    found = (_dataclass_in(argument) for argument in typing.get_args(hint))
    return next((inner for inner in found if inner), None)
