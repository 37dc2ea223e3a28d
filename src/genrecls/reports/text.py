"""Names from outside as text that a figure can show."""

from __future__ import annotations

import unicodedata
from functools import cache

from genrecls.reports.fonts import Fonts


def drawable(name: str, width: int = 40) -> str:
    """Return `name` for a figure, at most `width` characters long.

    A dollar sign would start a formula, a line break would move what is below, and a character
    that no font has would raise a warning at every drawing.
    """
    composed = unicodedata.normalize("NFC", str(name))
    shown = "".join(
        character if character.isprintable() and fonts().have(character) else "□"
        for character in composed
    )
    return elide(shown, width).replace("$", r"\$")


def elide(text: str, width: int) -> str:
    """Return `text` with its middle left out where it is longer than `width` characters.

    Both ends stay, because file names of one album begin alike and end alike.
    """
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


@cache
def fonts() -> Fonts:
    """Return the fonts of all figures of this process."""
    return Fonts()
