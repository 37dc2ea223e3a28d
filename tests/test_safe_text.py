"""Names that others have chosen, on a terminal, in JSON and in a spreadsheet."""

from __future__ import annotations

import json
import sys
import unicodedata
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genrecls.safe_text import for_spreadsheet, for_terminal, from_spreadsheet, one_line


@cache
def obeyed() -> list[str]:
    """Return what a terminal obeys: controls, separators, what turns the direction of writing."""
    return [
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(char) in {"Cc", "Zl", "Zp"}
        or unicodedata.bidirectional(char) in {"LRE", "RLE", "LRO", "RLO", "PDF"}
        or unicodedata.bidirectional(char) in {"LRI", "RLI", "FSI", "PDI"}
    ] + ["\u200e", "\u200f", "\u061c"]


def test_nothing_that_a_terminal_obeys_is_left_in_a_line() -> None:
    line = one_line(f"a{''.join(obeyed())}z")
    assert not set(line) & set(obeyed())
    assert line.isprintable()
    assert one_line("a\x1b[31m\nb\t\u202ec") == "a\\u001b[31m\\nb\\t\\u202ec"


def test_whole_texts_keep_their_lines() -> None:
    assert for_terminal("a\n\tb\x1b\r") == "a\n\tb\\u001b\\r"


@pytest.mark.parametrize("text", ["Жук 😀.wav", "ジャズ", "👩\u200d🎤", "נגן", "e\u0301"])
def test_names_in_any_writing_stay_as_they_are(text: str) -> None:
    assert for_terminal(text) == one_line(text) == text


@settings(max_examples=30)
@given(st.text(max_size=20), st.sampled_from(["utf-8", "ascii", "latin-1", "cp1251", None]))
def test_json_is_exact_whatever_the_output_can_take(text: str, encoding: str | None) -> None:
    shown = for_terminal(json.dumps([text], ensure_ascii=False), encoding)
    shown.encode(encoding or "utf-8")
    assert json.loads(shown) == [text]


def test_bytes_that_are_no_text_and_emoji_survive_in_ascii() -> None:
    name = b"caf\xe9 ".decode("utf-8", "surrogateescape") + "😀"
    assert json.loads(for_terminal(f'"{name}"', "ascii")) == name


@pytest.mark.parametrize("name", ["=1+1", "+49 jazz", "-", "@sum", "\tx", "'=x", "''@y", "\r="])
def test_no_spreadsheet_computes_a_name_and_readers_get_it_back(name: str) -> None:
    assert for_spreadsheet(name) == f"'{name}"
    assert from_spreadsheet(for_spreadsheet(name)) == name


@given(st.text(alphabet="'=+-@\t\ra1"))
def test_cells_come_back_exactly(text: str) -> None:
    cell = for_spreadsheet(text)
    assert from_spreadsheet(cell) == text
    assert cell[:1] not in tuple("=+-@\t\r") or float(cell) is not None


@pytest.mark.parametrize("number", ["-0.5", "+1", "-1e-05", "-3.", "0.25"])
def test_numbers_stay_numbers(number: str) -> None:
    assert for_spreadsheet(number) == number


@pytest.mark.parametrize("name", ["", "'", "rock 'n' roll", "'round midnight.wav", "a=b", "ä"])
def test_ordinary_cells_stay_as_they_are(name: str) -> None:
    assert for_spreadsheet(name) == from_spreadsheet(name) == name
