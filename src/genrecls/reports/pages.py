"""What pages and documents share: templates with figures, warnings on top, how it was made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from genrecls.files.templates import templates
from genrecls.reports.numbers import bounds, count, decimal, duration, known
from genrecls.reports.style import Heading, data_uri, heading

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_PIXELS = 104
"""Of a page for an inch of a figure."""


@dataclass(frozen=True)
class Banner:
    """One warning: `kind` is its colour ("leaky", "caution" or "generated") in the page."""

    kind: str
    title: str
    text: str


@dataclass(frozen=True)
class Picture:
    """A figure on a page.

    Attributes:
        heading: what stands above the drawing.
        address: the drawing, as a `data:` address.
        width: in pixels of a page that has room for it; the type of all figures is of one size.
    """

    heading: Heading
    address: str
    width: int


def address(file: Path, folder: Path) -> str:
    """Return the address of a file from a folder, which may be on another drive of Windows."""
    try:
        relative = Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:
        return file.absolute().as_uri()
    # Names need not be text.
    return quote(os.fsencode(relative))


def render_page(template: str, figures: Mapping[str, Figure], **values: Any) -> str:
    """Return a page that needs nothing but itself.

    Args:
        template: name of a file in `reports/templates`.
        figures: by name; the template finds each under `figures` as a `Picture`.
        values: everything else that the template names.
    """
    filters = {
        "amount": count,
        "decimal": decimal,
        "duration": duration,
        "bounds": bounds,
    }
    environment = templates("genrecls.reports", "templates", filters, html=True)
    environment.tests["known"] = known
    pictures = {
        name: Picture(heading(figure), data_uri(figure), round(_PIXELS * figure.get_figwidth()))
        for name, figure in figures.items()
    }
    page = environment.get_template(template).render(figures=pictures, **values)
    # Python keeps what is no text in a file name as lone surrogates, which no encoding can write.
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def how_it_was_made(command: str, versions: Mapping[str, str]) -> str:
    """Return the last section of a Markdown document: the command, and what it ran on."""
    names = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"## How it was made\n\n    {command}\n\n{names}"
