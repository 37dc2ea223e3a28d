"""What values a key may have, read from the sources of its class: nothing is imported for it.

A shell that asks on every press of a key cannot wait for pydantic and NumPy.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import cast

from genrecls.config.plugins import have_plugins
from genrecls.config.registered import REGISTRIES, SCHEMAS, modules_of


@dataclass(frozen=True)
class Allowed:
    """The values that a key is known to take.

    Attributes:
        values: as they are written; empty where they cannot be listed.
        several: whether it takes a list of them.
    """

    values: tuple[str, ...] = ()
    several: bool = False


@dataclass(frozen=True)
class _Place:
    """A piece of source, and the module whose names it uses."""

    module: str
    node: ast.AST


def allowed(place: str, name: str | None, path: Sequence[str]) -> Allowed:
    """Return what a key takes.

    Args:
        place: a group such as `model`, or a root configuration such as `export`.
        name: the registered name of the chosen option, where the group has a registry.
        path: the key inside of it, such as `("optimizer", "name")`.
    """
    here = _class_of(place, name)
    for step in path:
        declared = _class_in(here) if here else None
        here = _field(declared, step) if declared and not step.isdecimal() else here
    return Allowed(tuple(dict.fromkeys(_values(here))), _is_list(here)) if here else Allowed()


def _class_of(place: str, name: str | None) -> _Place | None:
    if place in SCHEMAS:
        module, _, wanted = SCHEMAS[place].partition(":")
        return _definition(module, wanted)
    module = _module_of(place, name) if place in REGISTRIES and name else ""
    for node in _tree(module).body if module else ():
        decorators = node.decorator_list if isinstance(node, ast.ClassDef) else ()
        if any(ast.unparse(each).endswith(f".register('{name}')") for each in decorators):
            return _Place(module, node)
    return None


def _module_of(group: str, name: str) -> str:
    found = modules_of(REGISTRIES[group][0]).get(name, "")
    if not found and have_plugins():
        from genrecls.config.schema import registry_of

        registry = registry_of(group)
        found = registry[name].__module__ if registry and name in registry else ""
    return found


@cache
def _tree(module: str) -> ast.Module:
    spec = find_spec(module)
    source = getattr(spec and spec.loader, "get_source", lambda _: None)(module)
    return ast.parse(source or "")


@cache
def _definition(module: str, name: str) -> _Place | None:
    """Return the class or the value that a name stands for; None where it is not one of ours."""
    for node in _tree(module).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _Place(module, node)
        if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
            return _Place(module, node.value)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("genrecls."):
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    return _definition(str(node.module), alias.name)
    return None


def _meaning(place: _Place) -> _Place | None:
    """Return what an annotation that is only a name stands for, else the annotation."""
    node = place.node
    return _definition(place.module, node.id) if isinstance(node, ast.Name) else place


def _field(declared: _Place, name: str) -> _Place | None:
    """Return the annotation of a field of a class, or of one that it is derived from."""
    node = cast("ast.ClassDef", declared.node)
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and ast.unparse(line.target) == name:
            return _Place(declared.module, line.annotation)
    for base in node.bases:
        parent = _meaning(_Place(declared.module, base))
        if parent and isinstance(parent.node, ast.ClassDef) and (found := _field(parent, name)):
            return found
    return None


def _class_in(place: _Place) -> _Place | None:
    """Return the class that an annotation names, as an item of a list or beside null too."""
    if isinstance(place.node, ast.ClassDef):
        return place
    for name in ast.walk(place.node):
        found = _meaning(_Place(place.module, name)) if isinstance(name, ast.Name) else None
        if found and isinstance(found.node, ast.ClassDef):
            return found
    return None


def _parts(place: _Place) -> tuple[str, list[_Place]]:
    """Return what an annotation puts together, such as `|` or `tuple`, and its parts."""
    node = place.node
    if isinstance(node, ast.BinOp):
        return "|", [_Place(place.module, side) for side in (node.left, node.right)]
    if isinstance(node, ast.Subscript):
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        kind = ast.unparse(node.value)
        if kind == "Annotated":
            # Behind the type stands what else must hold.
            inside = inside[:1]
        return kind, [_Place(place.module, each) for each in inside]
    return "", []


def _values(place: _Place) -> Iterator[str]:
    kind, parts = _parts(place)
    if kind == "Literal":
        yield from (_written(part.node) for part in parts)
    elif kind:
        for part in parts:
            yield from _values(part)
    elif isinstance(place.node, ast.Name) and place.node.id == "bool":
        yield from ("true", "false")
    elif isinstance(place.node, ast.Constant) and place.node.value is None:
        yield "null"
    elif isinstance(place.node, ast.Name) and (found := _meaning(place)):
        yield from _values(found)


def _written(node: ast.AST) -> str:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _is_list(place: _Place) -> bool:
    kind, parts = _parts(place)
    if kind in {"tuple", "list"}:
        return True
    if isinstance(place.node, ast.Name) and (found := _meaning(place)):
        return _is_list(found)
    return kind in {"|", "Annotated"} and any(map(_is_list, parts))
