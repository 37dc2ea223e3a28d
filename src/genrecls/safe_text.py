"""Text from outside, made safe for whoever shows it: a terminal, a spreadsheet.

Names of files, labels, cards and answers of servers may hold what a terminal obeys (escape
sequences, line breaks, marks that turn the direction of writing) or what a spreadsheet computes.
JSON needs none of this but the escapes of `for_terminal`, which its readers undo.
"""

from __future__ import annotations

import codecs
import re

# Controls, line and paragraph separators, marks of direction, invisible marks and tags, halves of
# characters (bytes of names that are no text). Joiners stay: emoji and several scripts need them.
_IN_LINES = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_UNSAFE = re.compile(f"[{_IN_LINES}]")
_UNSAFE_IN_A_LINE = re.compile(f"[\t\n{_IN_LINES}]")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}

# What makes a spreadsheet compute a cell; the apostrophe in front makes it text.
_FORMULA = re.compile("'*[=+@\t\r-]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?(e[+-]?\d+)?", re.IGNORECASE)
_APOSTROPHE = "'"


def for_terminal(text: str, encoding: str | None = "utf-8") -> str:
    r"""Return `text` with what a terminal would obey, or cannot take, escaped as in JSON.

    Line breaks and tabs stay. Escapes such as `\u001b` stand inside the strings of JSON alone,
    where its readers undo them.

    Args:
        text: any text.
        encoding: of the output; None is UTF-8.
    """
    return _encodable(_UNSAFE.sub(_escape, text), encoding)


def one_line(text: str, encoding: str | None = "utf-8") -> str:
    """Return `text` as `for_terminal` does, with line breaks and tabs escaped as well."""
    return _encodable(_UNSAFE_IN_A_LINE.sub(_escape, text), encoding)


def for_spreadsheet(cell: str) -> str:
    """Return the text of a CSV cell so that no spreadsheet takes it for a formula.

    Numbers stay numbers.
    """
    if not _FORMULA.match(cell) or _NUMBER.fullmatch(cell):
        return cell
    return f"{_APOSTROPHE}{cell}"


def from_spreadsheet(cell: str) -> str:
    """Return the text that `for_spreadsheet` got."""
    quoted = cell.startswith(_APOSTROPHE) and _FORMULA.match(cell)
    return cell.removeprefix(_APOSTROPHE) if quoted else cell


def _encodable(text: str, encoding: str | None) -> str:
    if encoding is None or encoding.lower() in {"utf-8", "utf8"}:
        return text
    return text.encode(encoding, "genrecls-escape").decode(encoding)


def _escape(match: re.Match[str]) -> str:
    return _json_escapes(match.group())


def _json_escapes(text: str) -> str:
    if text in _SHORT:
        return _SHORT[text]
    # JSON writes characters beyond the first 65,536 as two halves.
    units = text.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def _escape_unencodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return _json_escapes(error.object[error.start : error.end]), error.end


codecs.register_error("genrecls-escape", _escape_unencodable)
