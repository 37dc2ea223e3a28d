"""What may stand in a configuration, as JSON schemas: types, ranges and choices of every key.

They are made by pydantic from the classes that check a configuration, so they cannot say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genrecls.files.tables import mapping_or_empty

Node = Mapping[str, Any]
"""A JSON schema or a part of one."""

SCHEMAS_FOLDER = ".schemas"
"""Folder of the schemas in a folder of configurations."""

_ATTRIBUTE = re.compile(r"^    (?P<names>\w+(?:, \w+)*): (?P<about>.*)$")


def registered_name(path: Path) -> str | None:
    """Return the key `name` of a YAML file, or of the files of its group that it begins with."""
    values = mapping_or_empty(path)
    if isinstance(values.get("name"), str):
        return str(values["name"])
    options = (each for each in values.get("defaults") or () if isinstance(each, str))
    begun = (path.parent / f"{option}.yaml" for option in options if option != path.stem)
    names = (registered_name(each) for each in begun if each.is_file())
    return next(filter(None, names), None)


def schema_of(option: type[Any]) -> dict[str, Any]:
    """Return the JSON schema of a configuration class."""
    from pydantic import TypeAdapter

    return TypeAdapter(option).json_schema()


def file_schema(option: type[Any]) -> dict[str, Any]:
    """Return the JSON schema of a YAML file for a configuration class.

    A file may leave keys to those that its `defaults` name, and a value may refer to another key.
    """
    schema = schema_of(option)
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("required", None)
        about = attributes(part.get("description", ""))
        for key, node in part.get("properties", {}).items():
            described = {"description": about[key]} if key in about else {}
            reference = {"type": "string", "pattern": r"^\$\{"}
            part["properties"][key] = {"anyOf": [node, reference], **described}
    schema["properties"]["defaults"] = {"type": "array"}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema}


def key_schema(schema: Node, path: Sequence[str]) -> Node:
    """Return what a schema says of a key, with references resolved; empty where it says nothing.

    Args:
        schema: of an option.
        path: the key, such as `("optimizer", "name")`; items of lists have the step `*`.
    """
    definitions = schema.get("$defs", {})
    node = _resolved(schema, definitions)
    for step in path:
        wanted = "items" if step == "*" else "properties"
        holder = next((each for each in _alternatives(node, definitions) if wanted in each), {})
        inner = holder.get("items") if step == "*" else holder.get("properties", {}).get(step)
        if inner is None:
            return {}
        node = _resolved(inner, definitions)
    return node


def described_type(node: Node, definitions: Mapping[str, Node]) -> str:
    """Return in words what a key takes, such as "integer from 1, or null"."""
    node = _resolved(node, definitions)
    if "anyOf" in node or "oneOf" in node:
        parts = [described_type(each, definitions) for each in _alternatives(node, definitions)]
        return " or ".join(dict.fromkeys(parts))
    if "enum" in node or "const" in node:
        return ", ".join(f"`{value}`" for value in node.get("enum", [node.get("const")]))
    kind = node.get("type")
    if kind == "array":
        if "prefixItems" in node:
            items = [described_type(each, definitions) for each in node["prefixItems"]]
            return f"list of {len(items)}: {', '.join(dict.fromkeys(items))}"
        items_node = node.get("items", {})
        return f"list of {described_type(items_node, definitions)}" if items_node else "list"
    if kind in {"integer", "number"}:
        return f"{kind}{_range(node)}"
    names = {"boolean": "`true`, `false`", "string": "text", "null": "`null`", "object": "mapping"}
    return names.get(str(kind), "any value")


def attributes(description: str) -> dict[str, str]:
    """Return what the section `Attributes:` of a docstring says of each."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in description.partition("Attributes:\n")[2].splitlines():
        begun = _ATTRIBUTE.match(line)
        if begun:
            names = begun["names"].split(", ")
            found |= dict.fromkeys(names, begun["about"])
        elif line.startswith("        "):
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
        elif line.strip():
            break
    return found


def _alternatives(node: Node, definitions: Mapping[str, Node]) -> list[Node]:
    parts: Sequence[Node] = node.get("anyOf") or node.get("oneOf") or [node]
    return [_resolved(part, definitions) for part in parts]


def _resolved(node: Node, definitions: Mapping[str, Node]) -> Node:
    while "$ref" in node:
        node = definitions[node["$ref"].rpartition("/")[2]]
    return node


def _range(node: Node) -> str:
    if node.get("type") == "integer" and "exclusiveMinimum" in node:
        node = {**node, "minimum": node["exclusiveMinimum"] + 1}
        del node["exclusiveMinimum"]
    words = (
        ("minimum", "from"),
        ("exclusiveMinimum", "above"),
        ("maximum", "to"),
        ("exclusiveMaximum", "below"),
    )
    return "".join(f" {word} {node[key]:g}" for key, word in words if key in node)
