"""The page of the Python API: signatures and docstrings of what `genrecls.api` offers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from genrecls import api

_SECTIONS = {"Args": "Arguments", "Attributes": "Attributes", "Returns": "Returns"}
_SECTIONS |= {"Raises": "Errors", "Yields": "Yields"}


def python_api_page() -> str:
    """Return the page in Markdown."""
    functions = [name for name in api.__all__ if inspect.isfunction(getattr(api, name))]
    values = [name for name in api.__all__ if name not in functions]
    parts = [
        "# Python API",
        "All of it is in `genrecls` itself; [the guide](../python_api.md) shows it at work.",
        "## Functions",
        *(_entry(name, f"genrecls.{name}", getattr(api, name)) for name in functions),
        "## Values",
        *(part for name in values for part in _class(name, getattr(api, name))),
    ]
    return "\n\n".join(parts) + "\n"


def _entry(title: str, name: str, function: Any) -> str:
    return f"### {title}\n\n```python\n{name}{_signature(function)}\n```\n\n{_body(function)}"


def _signature(function: Any) -> str:
    shown = re.sub(r"\(self(?:, )?", "(", str(inspect.signature(function)))
    # Annotations are kept as text; defaults such as 'test' really are texts.
    return re.sub(r"(: |-> )'([^']+)'", r"\1\2", shown)


def _class(name: str, kind: Any) -> Iterator[str]:
    yield f"### {name}\n\n{_body(kind)}"
    hidden = {"index", "count"} if issubclass(kind, tuple) else set[str]()
    for member, value in vars(kind).items():
        if member.startswith("_") or member in hidden or not inspect.getdoc(value):
            continue
        if isinstance(value, property):
            yield f"- `.{member}`: {_first_paragraph(value)}"
        elif inspect.isfunction(value):
            yield f"- `.{member}{_signature(value)}`: {_first_paragraph(value)}"


def _first_paragraph(value: Any) -> str:
    return " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())


def _body(value: Any) -> str:
    """Return a docstring in Markdown, its sections as lists."""
    lines: list[str] = []
    inside = False
    for line in (inspect.getdoc(value) or "").splitlines():
        section = _SECTIONS.get(line.rstrip(":")) if line.endswith(":") else None
        if section:
            lines += [f"**{section}**", ""]
            inside = True
        elif inside and re.match(r"    \S", line):
            named, colon, about = line.strip().partition(": ")
            plain = colon and re.fullmatch(r"[\w*, ]+", named)
            lines.append(f"- `{named}`: {about}" if plain else f"- {line.strip()}")
        else:
            lines.append(f"  {line.strip()}" if inside and line.strip() else line)
            inside = inside and (not line.strip() or line.startswith(" "))
    return "\n".join(lines)
