"""Pages of the files at the top of the repository, and links to them from the site."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = ("CONTRIBUTING.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "SECURITY.md", "LICENSE")


def project_pages() -> dict[str, str]:
    """Return the pages in Markdown, by their path below `docs/reference/`."""
    pages = {}
    for name in FILES:
        text = (ROOT / name).read_text(encoding="utf-8")
        if name == "LICENSE":
            text = f"# Licence\n\n```text\n{text}```\n"
        pages[f"project/{page_name(name)}"] = within_site(text)
    return pages


def page_name(file: str) -> str:
    """Return the name of the page of a file."""
    return f"{file.removesuffix('.md').lower()}.md"


def within_site(text: str) -> str:
    """Return Markdown whose links to files at the top, or from there, lead to pages of the site."""
    for name in FILES:
        target = f"](/reference/project/{page_name(name)}"
        text = re.sub(rf"\]\((?:\.\./)*{re.escape(name)}(?=[)#])", target, text)
    return text.replace("](docs/", "](/")
