"""Tables as plain values, and their forms: terminal, Markdown, HTML and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from genrecls.safe_text import for_spreadsheet

if TYPE_CHECKING:
    from markupsafe import Markup

    from genrecls.reports.terminal import TerminalTable


_LATEX = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # A bracket at the beginning of a row would belong to the line break before it.
    "[": "{[}",
    "]": "{]}",
}


@dataclass(frozen=True)
class Column:
    """The head of a column; numbers stand at its right end, paths are in fixed-width type.

    Where a terminal is too narrow for all, columns with the highest `spare` are left out first;
    those with 0 never are.
    """

    name: str
    kind: Literal["text", "number", "path"] = "text"
    spare: int = 0


@dataclass(frozen=True)
class Table:
    """Cells of text under the names of their columns.

    Attributes:
        columns: heads; a bare name is a column of text.
        rows: the cells; a cell may have several lines.
        title: what the table is about; may be empty.
        notes: paragraphs below it.
        alarm: whether the title has to be read before the table is believed.
        alarms: row and column, from 0, of cells that warn.
        ruled: whether the terminal draws lines between the rows.
    """

    columns: Sequence[str | Column]
    rows: Sequence[Sequence[str]]
    title: str = ""
    notes: Sequence[str] = ()
    alarm: bool = False
    alarms: Collection[tuple[int, int]] = ()
    ruled: bool = False

    @property
    def heads(self) -> list[Column]:
        """The columns, bare names among them as columns of text."""
        return [c if isinstance(c, Column) else Column(c) for c in self.columns]

    def to_terminal(self) -> TerminalTable:
        """Return what `rich` prints: the title, the table and the notes."""
        from genrecls.reports.terminal import TerminalTable

        return TerminalTable(
            self.heads, self.rows, self.title, self.notes, self.alarm, self.alarms, self.ruled
        )

    def to_markdown(self, heading: str = "##") -> str:
        """Return the title behind `heading` (neither without one), the table and the notes."""

        def line(cells: Iterable[str]) -> str:
            escaped = (cell.replace("|", "\\|").replace("\n", "<br>") for cell in cells)
            return f"| {' | '.join(escaped)} |"

        heads = [head.name for head in self.heads]
        lines = [line(heads), f"|{' --- |' * len(heads)}", *map(line, self.rows)]
        title = [f"{heading} {self.title}"] if self.title and heading else []
        return "\n\n".join([*title, "\n".join(lines), *self.notes])

    def to_latex(self) -> str:
        """Return a `table` for the package booktabs, with the title as its caption."""

        def line(cells: Iterable[str]) -> str:
            return f"    {' & '.join(map(_latex_cell, cells))} \\\\"

        aligned = "".join("r" if head.kind == "number" else "l" for head in self.heads)
        caption = [f"  \\caption{{{latex_text(self.title)}}}"] if self.title else []
        return "\n".join(
            [
                "\\begin{table}",
                "  \\centering",
                *caption,
                f"  \\begin{{tabular}}{{{aligned}}}",
                "    \\toprule",
                line(head.name for head in self.heads),
                "    \\midrule",
                *map(line, self.rows),
                "    \\bottomrule",
                "  \\end{tabular}",
                *(f"  \\par {latex_text(note)}" for note in self.notes),
                "\\end{table}",
            ]
        )

    def to_html(self, css: str = "") -> Markup:
        """Return a `<table>` of CSS class `css`, with the title as its caption, without notes."""
        from genrecls.files.templates import templates

        environment = templates("genrecls.reports", "templates", {}, html=True)
        html: Markup = environment.get_template("table.html.j2").module.html_table(self, css)  # type: ignore[attr-defined]
        return html


def as_latex(tables: Iterable[Table], command: str) -> str:
    """Return a file to be input into a document: tables, and the command that made them."""
    head = f"% \\usepackage{{booktabs}} is needed; made by: {' '.join(command.split())}"
    return "\n\n".join([head, *(table.to_latex() for table in tables)]) + "\n"


def _latex_cell(text: str) -> str:
    if "\n" not in text:
        return latex_text(text)
    lines = r" \\ ".join(map(latex_text, text.splitlines()))
    return rf"\shortstack[l]{{{lines}}}"


def latex_text(text: str) -> str:
    """Return a text whose characters mean nothing to LaTeX."""
    return " ".join("".join(_LATEX.get(char, char) for char in text).split())


def to_csv(records: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> str:
    """Return a line of names, then one a record; what a record does not have stays empty.

    No spreadsheet computes a text of it.

    Args:
        records: values by column.
        columns: names of the columns; without any, all that the records have, as they come.
    """
    names = columns or dict.fromkeys(name for record in records for name in record)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(for_spreadsheet, names))
    for record in records:
        cells = (record.get(name, "") for name in names)
        writer.writerow(for_spreadsheet(c) if isinstance(c, str) else c for c in cells)
    return text.getvalue()
