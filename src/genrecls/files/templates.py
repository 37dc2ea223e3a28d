"""Templates of the pages, cards and sources that are written: a missing value is an error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Environment


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
        bytecode_cache=_compiled(html=html),
    )
    made.filters.update(filters)
    return made


@cache
def _compiled(*, html: bool) -> BytecodeCache:  # noqa: ARG001
    """Return what keeps compiled templates: to compile one takes longer than to fill it in.

    Args:
        html: they are other ones where values are escaped.
    """
    from jinja2 import BytecodeCache
    from jinja2.bccache import Bucket

    class Compiled(BytecodeCache):
        def __init__(self) -> None:
            self._code: dict[tuple[str, str], Any] = {}

        def load_bytecode(self, bucket: Bucket) -> None:
            bucket.code = self._code.get((bucket.key, bucket.checksum))

        def dump_bytecode(self, bucket: Bucket) -> None:
            self._code[bucket.key, bucket.checksum] = bucket.code

    return Compiled()
