"""Templates of the pages, cards and sources that are written: a missing value is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def templates(package: str, folder: str, filters: Mapping[str, Any], *, html: bool) -> Environment:
    """Return what renders the templates in a folder of a package.

    Args:
        package: such as `genrecls.reports`.
        folder: inside the package; `.` for itself.
        filters: functions by the name that the templates use.
        html: whether values are escaped for a browser; other texts keep their last line break.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(package, folder),
        autoescape=html,  # noqa: S701 - Markdown and C++ have other escapes
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=not html,
    )
    made.filters.update(filters)
    return made
