"""A page read back, and what would keep somebody from reading it on a telephone."""

from __future__ import annotations

import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """The elements of a page, each with its attributes and all the text in it."""

    VOID = frozenset({"meta", "img", "link", "br", "hr", "input", "wbr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(html)
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, dict(attrs), list[str]())
        self.elements.append(element)
        if tag not in self.VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, _, text in self.open:
            text.append(data)

    def texts(self, tag: str, css: str = "") -> list[str]:
        return [
            " ".join("".join(text).split())
            for name, attributes, text in self.elements
            if name == tag and css in ["", *(attributes.get("class") or "").split()]
        ]


def faults(html: str) -> list[str]:
    """Return what is wrong with the headings of a page, or would be cut on a narrow screen."""
    page = Page(html)
    found = []
    if len(page.texts("h1")) != 1:
        found.append(f"{len(page.texts('h1'))} first headings")
    if "width=device-width" not in html:
        found.append("a telephone would show the page as wide as a desk")
    rules = ("figure img { display: block; max-width: 100%;", "pre-wrap; overflow-wrap: anywhere")
    found += [f"no style has {rule!r}" for rule in rules if rule not in html]
    body = html[html.index("<main>") : html.index("</main>")]
    for section in re.split(r"<section\b", body)[1:]:
        headline = 'class="headline"' in section
        if not headline and section.count("<h2>") != 1:
            found.append(f"{section.count('<h2>')} headings: {section[:60]}")
        many, named = section.count("<figure"), section.count("<h3>")
        if many > 1 and named < many:
            found.append(f"{named} headings of {many} figures: {section[:60]}")
    for tag, inside in (("<table", '<div class="scroll"><table'), ("<img", "</figcaption>\n<img")):
        if body.count(tag) != body.count(inside):
            found.append(f"{tag}> outside of {inside}")
    return found
