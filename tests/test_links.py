"""Every link of the pages at the top and of docs/ leads somewhere; those to outside are listed."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from scripts.reference import pages
from tests.test_documented_commands import PAGES, ROOT

REFERENCE = ROOT / "docs" / "reference"
OUTSIDE = {"https://semver.org"}
"""Every address outside that a page may link to. No test uses the network, so whoever adds one
looks at it."""

_LINK = re.compile(
    r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|^\[[^\]]+\]:\s+(\S+)|<(https?:[^>]+)>", re.MULTILINE
)
_CODE = re.compile(r"^```.*?^```|^    .*?$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    """Return the targets of a page, without what only looks like one in its code."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    return ["".join(groups) for groups in _LINK.findall(text)]


@cache
def anchors(page: Path) -> set[str]:
    """Return the names by which the headings of a page can be linked to."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    headings = (heading.lower() for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE))
    return {re.sub(r"[^\w -]", "", heading).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    made = pages() if any("reference/" in target for target in links(page)) else {}
    for link in links(page):
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        if "://" in link or link.startswith("mailto:"):
            assert link in OUTSIDE, f"{link}: not in OUTSIDE; look at it, then list it there"
        elif path.is_relative_to(REFERENCE):
            assert str(path.relative_to(REFERENCE)) in made, link
        else:
            assert path.exists(), link
            assert path.is_relative_to(ROOT), f"{link}: leads out of the project"
            assert not anchor or path.suffix != ".md" or anchor in anchors(path), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_scripts_that_a_page_names_are_there(page: Path) -> None:
    # A line may break within a command, but not within the name of a file.
    named = set(re.findall(r"\bscripts/\w+\.(?:py|sh)", page.read_text(encoding="utf-8")))
    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_every_address_outside_is_still_linked_to() -> None:
    assert {link for page in PAGES for link in links(page)} >= OUTSIDE
