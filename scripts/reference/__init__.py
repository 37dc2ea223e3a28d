"""Pages of the reference, made of what the program itself knows: `docs/conf.py` asks for them.

Nothing of it is kept in the repository, so nothing of it can be out of date.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from scripts.reference.commands import commands_page
from scripts.reference.project import project_pages
from scripts.reference.python_api import python_api_page
from scripts.reference.settings import GROUPS, ROOTS, group_page, root_page


@cache
def pages() -> dict[str, str]:
    """Return all pages in Markdown, by their path below `docs/reference/`."""
    return {
        "commands.md": commands_page(),
        "python.md": python_api_page(),
        **project_pages(),
        **{f"settings/{root}.md": root_page(root) for root in ROOTS},
        **{f"settings/{group.replace('/', '_')}.md": group_page(group) for group in GROUPS},
    }


def write_reference(folder: Path) -> None:
    """Write all pages; one that has not changed keeps its time, and is not built again."""
    for name, text in pages().items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
