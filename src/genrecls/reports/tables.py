"""Tables as plain values, and their forms: terminal, Markdown, HTML, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from genrecls.safe_text import for_spreadsheet

if TYPE_CHECKING:
    from markupsafe import Markup

    from genrecls.reports.terminal import TerminalTable


_LATEX = {
    **{char: f"\\{char}" for char in "&%$#{}"},
    # Names of presets and settings are longer than a column of a table.
    "_": r"\_\allowbreak{}",
    "=": r"=\allowbreak{}",
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # A bracket at the beginning of a row would belong to the line break before it.
    "[": "{[}",
    "]": "{]}",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "…": r"\ldots{}",
    "\u2013": "--",
    "\u00a0": "~",
    "\u202f": r"\,",
}
# Of a number, and not within a name.
_MINUS = re.compile(r"(?<!\w)-(?=[.\d])")

_LATEX_COLUMN = {"number": "r", "text": r">{\raggedright\arraybackslash}X"}
_MOST_TEXTS_IN_COLUMN = 2


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
        """Return a `table` for the packages booktabs and tabularx, with the title as its caption.

        It is as wide as a column, or with many texts as both; they share what the numbers leave.
        """
        kinds = ["number" if head.kind == "number" else "text" for head in self.heads]
        wide = kinds.count("text") > _MOST_TEXTS_IN_COLUMN
        place, width = ("table*", "\\textwidth") if wide else ("table", "\\columnwidth")
        aligned = "".join(_LATEX_COLUMN[kind] for kind in kinds)

        def line(cells: Iterable[str]) -> str:
            written = map(_latex_cell, cells, kinds)
            return f"    {' & '.join(written)} \\\\"

        # Rows of several lines would run into each other.
        apart = any("\n" in cell for row in self.rows for cell in row)
        between = "\n    \\addlinespace\n" if apart else "\n"
        caption = [f"  \\caption{{{latex_text(self.title)}}}"] if self.title else []
        return "\n".join(
            [
                f"\\begin{{{place}}}",
                *caption,
                "  \\footnotesize\\setlength{\\tabcolsep}{3pt}",
                f"  \\begin{{tabularx}}{{{width}}}{{@{{}}{aligned}@{{}}}}",
                "    \\toprule",
                line(head.name for head in self.heads),
                "    \\midrule",
                between.join(map(line, self.rows)),
                "    \\bottomrule",
                "  \\end{tabularx}",
                *(f"  \\par\\smallskip {latex_text(note)}" for note in self.notes),
                f"\\end{{{place}}}",
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
    head = f"% needs \\usepackage{{booktabs,tabularx}}; made by: {' '.join(command.split())}"
    return "\n\n".join([head, *(table.to_latex() for table in tables)]) + "\n"


def _latex_cell(text: str, kind: str) -> str:
    lines = [latex_text(line) for line in text.splitlines()]
    if kind == "text":
        return r" \newline ".join(lines)
    stacked = r" \\ ".join(lines)
    return rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{stacked}\end{{tabular}}" if lines[1:] else stacked


def latex_text(text: str) -> str:
    """Return a text whose characters mean nothing to LaTeX, with signs as a paper has them."""
    parts = _MINUS.split(text)
    escaped = ("".join(_LATEX.get(char, char) for char in part) for part in parts)
    return " ".join("$-$".join(escaped).split())


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
