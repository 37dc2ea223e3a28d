"""Names in any script are drawn with a font that has them, or as boxes with a word about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.font_manager import FontManager, fontManager
from matplotlib.text import Text

from genrecls.reports.figures.confusion import confusion_matrix
from genrecls.reports.fonts import BASE, Fonts
from genrecls.reports.scope import Scope
from genrecls.reports.style import inches
from genrecls.reports.text import drawable, fonts

HAD, LACKED = "演", "歌"


def put_font(file: Path, name: str, *characters: str, weight: int = 400) -> None:
    """Write a font whose characters are all filled squares."""
    pen = TTGlyphPen(None)
    for step, point in enumerate(((0, 0), (0, 800), (800, 800), (800, 0))):
        (pen.lineTo if step else pen.moveTo)(point)
    pen.closePath()
    glyphs = [".notdef", *(f"g{number}" for number in range(len(characters)))]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(glyphs)
    builder.setupCharacterMap(
        {ord(c): glyph for c, glyph in zip(characters, glyphs[1:], strict=True)}
    )
    builder.setupGlyf(dict.fromkeys(glyphs, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": name, "styleName": "Bold" if weight > 400 else "Regular"})
    builder.setupOS2(sTypoAscender=800, usWeightClass=weight)
    builder.setupPost()
    builder.save(file)


@pytest.fixture
def installed() -> Iterator[FontManager]:
    """No font but matplotlib's own, and a manager to which others may be added."""
    before = list(fontManager.ttflist)
    fontManager.ttflist[:] = [entry for entry in before if entry.name == BASE]
    fonts.cache_clear()
    yield fontManager
    fontManager.ttflist[:] = before
    fonts.cache_clear()


def test_an_installed_font_that_has_a_character_is_chosen_for_it(
    installed: FontManager, tmp_path: Path
) -> None:
    put_font(tmp_path / "a.ttf", "Another", "a")
    put_font(tmp_path / "b.ttf", "Rare", HAD)
    for name in ("a.ttf", "b.ttf"):
        installed.addfont(tmp_path / name)
    chosen = Fonts()
    assert chosen.have("a")
    assert chosen.families == [BASE]
    assert chosen.have(HAD)
    assert chosen.families == [BASE, "Rare"]


def test_a_damaged_font_is_passed_over(installed: FontManager, tmp_path: Path) -> None:
    put_font(tmp_path / "a.ttf", "Another", HAD)
    put_font(tmp_path / "b.ttf", "Rare", HAD)
    for name in ("a.ttf", "b.ttf"):
        installed.addfont(tmp_path / name)
    (tmp_path / "a.ttf").write_bytes(b"no font")
    chosen = Fonts()
    assert chosen.have(HAD)
    assert chosen.families == [BASE, "Rare"]


def test_a_font_whose_bold_face_lacks_the_character_is_passed_over(
    installed: FontManager, tmp_path: Path
) -> None:
    put_font(tmp_path / "a.ttf", "Another", HAD)
    put_font(tmp_path / "bold.ttf", "Another", "a", weight=700)
    put_font(tmp_path / "b.ttf", "Rare", HAD)
    for name in ("a.ttf", "bold.ttf", "b.ttf"):
        installed.addfont(tmp_path / name)
    chosen = Fonts()
    assert chosen.have(HAD)
    assert chosen.families == [BASE, "Rare"]


def test_figures_show_genres_in_a_script_that_some_font_has(
    installed: FontManager, tmp_path: Path
) -> None:
    put_font(tmp_path / "b.ttf", "Rare", HAD)
    installed.addfont(tmp_path / "b.ttf")
    labels = ["blues", "jazz", HAD * 3]
    counts = np.eye(3, dtype=int).tolist()
    figure = confusion_matrix(counts, labels, Scope("test", "track", "artist"))
    # A character without a font would be a warning, and so a failure, here.
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if HAD in text.get_text()]
    assert texts
    assert all(text.get_fontfamily() == [BASE, "Rare"] for text in texts)


def test_what_no_font_has_is_a_box_and_told_once(
    installed: FontManager, capsys: pytest.CaptureFixture[str]
) -> None:
    assert installed
    assert [drawable(f"a{LACKED}"), drawable(f"{LACKED}{HAD}")] == ["a□", "□□"]
    said = capsys.readouterr().err
    assert said.count("warning: figures: no installed font has") == 1
    assert "install one that has it, such as Noto Sans CJK" in said


def test_a_chinese_character_is_as_wide_as_it_is_high() -> None:
    assert inches("演", 72) == 1
    assert inches("ab", 72) == pytest.approx(1.2)
