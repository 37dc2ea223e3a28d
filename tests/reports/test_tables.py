"""One table has the same cells in every form."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from genrecls.console import show
from genrecls.reports.tables import Column, Table, to_csv
from tests.reports.page import Page

TABLE = Table(
    ("name", Column("score", "number"), Column("run.folder", "path")),
    [("a|b", "0.5\n[0.4, 0.6]", "x"), ("<b>", "1", "y [bold]")],
    title="Runs <all>",
    notes=("How to read it.",),
    alarm=True,
    alarms={(1, 0)},
)


def test_the_terminal_shows_title_cells_and_notes_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(TABLE.to_terminal())
    out = capsys.readouterr().out
    for text in ("Runs <all>", "a|b", "[0.4, 0.6]", "y [bold]", "How to read it."):
        assert text in out


def test_markdown_escapes_what_would_end_a_cell() -> None:
    assert TABLE.to_markdown() == (
        "## Runs <all>\n\n"
        "| name | score | run.folder |\n| --- | --- | --- |\n"
        "| a\\|b | 0.5<br>[0.4, 0.6] | x |\n| <b> | 1 | y [bold] |\n\n"
        "How to read it."
    )
    assert TABLE.to_markdown(heading="").startswith("| name |")


def test_html_escapes_names_and_marks_numbers_paths_and_alarms() -> None:
    html = TABLE.to_html("small")
    assert "<b>" not in html
    assert "0.5<br>[0.4, 0.6]" in html
    assert "run.<wbr>folder" in html
    page = Page(str(html))
    assert page.texts("caption", "alarm") == ["Runs <all>"]
    assert page.texts("td", "number") == ["0.5[0.4, 0.6]", "1"]
    assert page.texts("td", "path") == ["x", "y [bold]"]
    assert page.texts("td", "alarm") == ["<b>"]
    assert len(page.texts("table", "small")) == 1


def test_csv_has_all_columns_of_all_records_or_those_that_are_named() -> None:
    records: list[dict[str, Any]] = [{"a": 1, "b": "x,y"}, {"a": 2, "c": None}]
    assert list(csv.DictReader(io.StringIO(to_csv(records)))) == [
        {"a": "1", "b": "x,y", "c": ""},
        {"a": "2", "b": "", "c": ""},
    ]
    assert to_csv([{"a": 1}], ("b", "a")) == "b,a\n,1\n"
    assert to_csv([], columns=("a",)) == "a\n"


def test_no_spreadsheet_computes_a_name_in_a_table() -> None:
    records = [{"system": "=HYPERLINK(1)", "difference": "-0.5", "count": -3}]
    assert to_csv(records) == "system,difference,count\n'=HYPERLINK(1),-0.5,-3\n"
