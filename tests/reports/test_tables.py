"""One table has the same cells in every form."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from genrecls.console import show
from genrecls.reports.tables import Column, Table, as_latex, latex_text, to_csv
from tests.reports.page import Page

TABLE = Table(
    ("name", Column("score", "number"), Column("run.folder", "path")),
    [("a|b", "0.5\n[0.4, 0.6]", "x"), ("<b>", "1", "y [bold]")],
    title="Runs <all>",
    notes=("How to read it.",),
    alarm=True,
    alarms={(1, 0)},
)

TEXTS = r">{\raggedright\arraybackslash}X"


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


def test_latex_is_as_wide_as_a_column_and_its_texts_mean_nothing_to_it() -> None:
    assert TABLE.to_latex().splitlines() == [
        r"\begin{table}",
        r"  \caption{Runs \textless{}all\textgreater{}}",
        r"  \footnotesize\setlength{\tabcolsep}{3pt}",
        rf"  \begin{{tabularx}}{{\columnwidth}}{{@{{}}{TEXTS}r{TEXTS}@{{}}}}",
        r"    \toprule",
        r"    name & score & run.folder \\",
        r"    \midrule",
        r"    a\textbar{}b & \begin{tabular}[t]{@{}r@{}}0.5 \\ {[}0.4, 0.6{]}\end{tabular} & x \\",
        r"    \addlinespace",
        r"    \textless{}b\textgreater{} & 1 & y {[}bold{]} \\",
        r"    \bottomrule",
        r"  \end{tabularx}",
        r"  \par\smallskip How to read it.",
        r"\end{table}",
    ]
    special = Table(("100 %",), [("a & $c \\input{x} ~^#\nb",)]).to_latex()
    assert r"100 \% \\" in special
    assert r"a \& \$c \textbackslash{}input\{x\} \textasciitilde{}\textasciicircum{}\#" in special
    assert r"\# \newline b \\" in special


def test_latex_with_many_texts_takes_both_columns() -> None:
    latex = Table(("a", "b", "c"), [("1", "2", "3")]).to_latex()
    assert r"\begin{table*}" in latex
    assert r"\begin{tabularx}{\textwidth}" in latex
    assert r"\addlinespace" not in latex


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("0.780 ± 0.012", r"0.780 $\pm$ 0.012"),
        ("-0.5 [-.4, +0.1]", r"$-$0.5 {[}$-$.4, +0.1{]}"),
        ("synth-mfcc-1 0.1-0.2", "synth-mfcc-1 0.1-0.2"),
        ("learning_rate=1e-3 …", r"learning\_\allowbreak{}rate=\allowbreak{}1e-3 \ldots{}"),
        ("78\u202f282\u00a0kB \u2013 a · b", r"78\,282~kB -- a $\cdot$ b"),
    ],
)
def test_latex_has_the_signs_of_a_paper(text: str, latex: str) -> None:
    assert latex_text(text) == latex


def test_a_file_for_latex_says_what_it_needs_and_what_made_it() -> None:
    text = as_latex([TABLE, TABLE], "genrecls\ncompare")
    assert text.startswith("% needs \\usepackage{booktabs,tabularx}; made by: genrecls compare\n")
    assert text.count(r"\begin{table}") == 2


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
