"""What pages and documents share: templates with figures, warnings on top, how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genrecls.files.templates import templates
from genrecls.reports.numbers import bounds, count, decimal, duration, interval, known, percent
from genrecls.reports.style import data_uri

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Banner:
    """One warning: `kind` is its colour ("leaky", "caution" or "generated") in the page."""

    kind: str
    title: str
    text: str


def render_page(template: str, figures: Mapping[str, Figure], **values: Any) -> str:
    """Return a page that needs nothing but itself.

    Args:
        template: name of a file in `reports/templates`.
        figures: by name; the template finds them under `figures` as `data:` addresses.
        values: everything else that the template names.
    """
    filters = {
        "amount": count,
        "decimal": decimal,
        "duration": duration,
        "bounds": bounds,
        "interval": interval,
        "percent": percent,
    }
    environment = templates("genrecls.reports", "templates", filters, html=True)
    environment.tests["known"] = known
    images = {name: data_uri(figure) for name, figure in figures.items()}
    page = environment.get_template(template).render(figures=images, **values)
    # Python keeps what is no text in a file name as lone surrogates, which no encoding can write.
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def how_it_was_made(command: str, versions: Mapping[str, str]) -> str:
    """Return the last section of a Markdown document: the command, and what it ran on."""
    names = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"## How it was made\n\n    {command}\n\n{names}"
