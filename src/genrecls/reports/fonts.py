"""Fonts for names in any script: of those that are installed, one that has the characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from genrecls.console import warn

BASE = "DejaVu Sans"
"""What all figures are written in; matplotlib brings it along."""

# Fonts that were made for many scripts are tried first.
_WELL_MADE = re.compile(
    r"CJK|Noto Sans|Source Han|Hiragino|PingFang|YaHei|Yu Gothic|Malgun|Nanum|WenQuanYi|IPA|Takao"
    r"|Droid Sans|Arial Unicode|Unifont"
)
# They have every character as a box, or as a picture that cannot be drawn in ink.
_USELESS = re.compile(r"Last ?Resort|Blank|Emoji")
# Characters of one script lie together: where one was looked for in vain, so are its neighbours.
_BLOCK = 12


class Fonts:
    """The base font, and others that are added for characters that it does not have.

    Attributes:
        families: names of the fonts, in the order in which matplotlib looks for a character.
    """

    def __init__(self) -> None:
        self.families = [BASE]
        self._files: list[tuple[str, ...]] = [(_file_of(BASE),)]
        self._searched: set[int] = set()
        self._warned = False

    def have(self, character: str) -> bool:
        """Return whether a font has `character`, after looking for one that does.

        The first character that none has is told, once.
        """
        if any(all(_has(file, character) for file in files) for files in self._files):
            return True
        block = ord(character) >> _BLOCK
        if block not in self._searched:
            self._searched.add(block)
            for name, file in _installed():
                # Titles are bold, and a bold face may lack what the ordinary one has.
                files = (file, _file_of(name, "bold"))
                if all(_has(each, character) for each in files):
                    self.families.append(name)
                    self._files.append(files)
                    self._searched.discard(block)
                    return True
        if not self._warned:
            self._warned = True
            warn(
                f"figures: no installed font has '{character}', so □ is drawn for it and its like; "
                "install one that has it, such as Noto Sans CJK for Chinese, Japanese and Korean"
            )
        return False


def _installed() -> Iterator[tuple[str, str]]:
    """Yield name and file of each upright font of ordinary weight, the well-made ones first."""
    from matplotlib.font_manager import fontManager

    upright = (
        (entry.name, entry.fname)
        for entry in fontManager.ttflist
        if entry.style == "normal" and entry.weight in {400, "normal", "regular"}
    )
    usable = {name: file for name, file in upright if not _USELESS.search(name)}
    yield from sorted(usable.items(), key=lambda font: (not _WELL_MADE.search(font[0]), font[0]))


def _file_of(family: str, weight: str = "normal") -> str:
    from matplotlib.font_manager import FontProperties, findfont

    return str(findfont(FontProperties(family=family, weight=weight)))


def _has(file: str, character: str) -> bool:
    from matplotlib.font_manager import get_font

    try:
        font = get_font(file)
    except (OSError, RuntimeError):
        # Uninstalled since matplotlib made its list, or damaged.
        return False
    return bool(font.scalable and font.get_char_index(ord(character)))
