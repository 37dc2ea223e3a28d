"""The pages of settings: every option of every group, with type, default, range and comment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from genrecls.config.json_schema import (
    attributes,
    described_type,
    key_schema,
    schema_of,
)
from genrecls.config.options import choices, flat, groups, listed, settable
from genrecls.config.paths import conf_dir
from genrecls.config.schema import class_of
from genrecls.datasets.download.archive import Archive
from genrecls.export.bundle.targets import Target
from genrecls.files.tables import mapping_or_empty
from genrecls.sweeps.cluster import CLUSTERS

ROOTS = {
    "train": "genrecls train",
    "sweep": "genrecls sweep",
    "evaluate": "genrecls evaluate",
    "export": "genrecls export",
    "split_report": "genrecls data split-report",
}
"""The root configurations that have keys of their own, and the verbs that read them."""
GROUPS = {
    **{group: about for group, (_, about) in groups("train").items()},
    **{group: about for group, (_, about) in groups("sweep").items()},
    "export/target": "a class of device, for `genrecls export target=...`",
    "download": "an archive, for `genrecls data download`",
}
"""Every folder of `conf/`, with what it is for."""
# Files of these groups set keys of all the others: the file itself says it best.
_PRESETS = {"experiment", "debug", "search"}
_COMMENT = re.compile(r"^(?P<indent> *)(?P<key>[\w-]+):(?P<value>.*?)(?: #\s(?P<about>.*))?$")


def root_page(root: str) -> str:
    """Return the page of what a verb takes beside groups."""
    option = class_of(root)
    schema = schema_of(option) if option else {}
    values = settable(root)
    singles = {key: value for key, value in values.items() if key not in groups(root)}
    comments = file_comments(conf_dir() / f"{root}.yaml")
    parts = [f"# Keys of {ROOTS[root]}", "Each is set as `key=value`."]
    chosen = [
        f"| [`{group}`]({group.replace('/', '_')}.md) | `{default}` | {about} |"
        for group, (default, about) in groups(root).items()
    ]
    if chosen:
        parts.append("\n".join(["| group | default | what |", "|---|---|---|", *chosen]))
    return "\n\n".join([*parts, _table(schema, singles, comments)]) + "\n"


def group_page(group: str) -> str:
    """Return the page of a group, with a section for each of its options."""
    parts = [f"# {group}", f"`{group}=...`: {GROUPS[group]}."]
    files = listed(group)
    for name, about in choices(group).items():
        parts.append(f"## {group}={name}\n\n{about[:1].upper()}{about[1:]}.".replace("..", "."))
        if group in _PRESETS:
            parts.append(f"```yaml\n{files[name].read_text(encoding='utf-8').rstrip()}\n```")
            continue
        root = next((each for each in ("train", "sweep") if group in groups(each)), None)
        values = (
            settable(root, [f"{group}={name}"])[group] if root else mapping_or_empty(files[name])
        )
        option = _class(group, values.get("name"))
        comments = option_comments(group, name)
        parts.append(_table(schema_of(option) if option else {}, values, comments))
    return "\n\n".join(parts) + "\n"


def _class(group: str, name: Any) -> type[Any] | None:
    if group == "cluster":
        return CLUSTERS[name]
    return {"download": Archive, "export/target": Target}.get(group) or class_of(group, name)


def option_comments(group: str, name: str) -> dict[str, str]:
    """Return the comments on the keys of an option, those of the files that it begins with too."""
    path = listed(group).get(name)
    if path is None:
        return {}
    found: dict[str, str] = {}
    for entry in mapping_or_empty(path).get("defaults", []):
        if isinstance(entry, str) and entry not in {"_self_", name}:
            base, _, part = entry.partition("@")
            inside = option_comments(group, base)
            found |= {f"{part}.{key}" if part else key: about for key, about in inside.items()}
    return found | file_comments(path)


def file_comments(path: Path) -> dict[str, str]:
    """Return the comments behind the keys of a YAML file, by dotted key."""
    found: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        match = _COMMENT.match(line)
        if match is None:
            continue
        indent = len(match["indent"])
        above = [(depth, key) for depth, key in above if depth < indent]
        above.append((indent, match["key"]))
        if match["about"]:
            found[".".join(key for _, key in above)] = match["about"]
    return found


def _table(
    schema: Mapping[str, Any], values: Mapping[str, Any], comments: Mapping[str, str]
) -> str:
    rows = ["| key | takes | default | what |", "|---|---|---|---|"]
    definitions = schema.get("$defs", {})
    for key, value in flat(values):
        # It selects the class, and is chosen by the name of the option.
        if key == "name":
            continue
        path = key.split(".")
        inner = _option_inside(values, path)
        node = key_schema(*inner) if inner else key_schema(schema, path)
        takes = described_type(node, definitions if not inner else inner[0].get("$defs", {}))
        if not node and isinstance(value, str):
            # Where runs and data are is no part of what a class checks.
            takes = "text"
        about = comments.get(key) or _attribute(inner[0] if inner else schema, path)
        rows.append(_row(key, takes, f"`{_written(value)}`", about))
        rows += [_row(f"{key}.N.{name}", *rest) for name, *rest in _items(schema, path)]
    return "\n".join(rows) if len(rows) > 2 else "It has no keys."


def _option_inside(
    values: Mapping[str, Any], path: list[str]
) -> tuple[Mapping[str, Any], list[str]] | None:
    """Return the schema of an option inside an option, such as `features.picture`, and its key."""
    part = values.get(path[0])
    if len(path) > 1 and isinstance(part, Mapping) and "name" in part:
        option = class_of("features", part["name"])
        if option is not None and values.get("name") == "multi_input":
            return schema_of(option), path[1:]
    return None


def _items(schema: Mapping[str, Any], path: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """Yield the rows of what an item of a list has, where items have keys."""
    node = key_schema(schema, [*path, "*"])
    about = attributes(node.get("description", ""))
    for name, each in node.get("properties", {}).items():
        yield name, described_type(each, schema.get("$defs", {})), "", about.get(name, "")


def _attribute(schema: Mapping[str, Any], path: list[str]) -> str:
    """Return what the docstring of the class says of a key."""
    holder = key_schema(schema, path[:-1])
    return attributes(holder.get("description", "")).get(path[-1], "")


def _row(*cells: str) -> str:
    key, *rest = (cell.replace("|", "\\|") for cell in cells)
    return f"| `{key}` | {' | '.join(rest)} |"


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
