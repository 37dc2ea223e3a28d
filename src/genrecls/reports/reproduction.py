"""Published figures beside ours: for the terminal, and as Markdown, CSV and one page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genrecls.comparison.reproduction import (
    PROTOCOLS,
    UNITS,
    Protocol,
    ProtocolScores,
    ReproducedSystem,
)
from genrecls.experiment.published import PAPERS
from genrecls.reports.numbers import DASH
from genrecls.reports.pages import render_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group

HEAD = ("system", "reported", *PROTOCOLS.values(), "difference")
NOTE = (
    "Ours: accuracy on the test part, mean ± standard deviation over seeds, then the split and its "
    "test part (of the first seed). Difference: ours under the published protocol, in the reported "
    "unit, less the reported figure, with its 95 % interval (our seeds by Student's t and, where "
    "the number of reported examples is known, its binomial sampling). LEAKY: pieces of one track "
    "train and test. Artists shared: the same artists train and test, a single one of them in "
    "the published fault_filtered."
)


def lines(row: ReproducedSystem) -> tuple[str, ...]:
    """Return the cells of a row under `HEAD`; a cell may have several lines."""
    figure = row.published
    reported = f"{figure.stated}\nper {figure.unit}: {figure.protocol}"
    ours = (_ours(row, protocol) for protocol in PROTOCOLS)
    system = f"{figure.paper}: {figure.system}\n{row.preset}{_data(row)}"
    changed = f"\nCHANGED: {row.changed}" if row.changed else ""
    return (system + changed, reported, *ours, _difference(row))


def _data(row: ReproducedSystem) -> str:
    """Return what a row was measured on: of a part of a data set it may be another matter."""
    found = dict.fromkeys(cell.data for cell in row.cells.values())
    return "".join(f"\n{data}" for data in found)


def _ours(row: ReproducedSystem, protocol: Protocol) -> str:
    cell = row.cells.get(protocol)
    if cell is None:
        return "missing, see below" if row.missing else DASH
    numbers = "\n".join(f"{cell.scores[unit]} per {unit}" for unit in _units(cell))
    seeds = f"{cell.n} seed{'s' if cell.n > 1 else ''}"
    segments, tracks = cell.test["segment"], cell.test["track"]
    return f"{numbers}\n{cell.split}, {seeds}\n{segments} segments of {tracks} tracks"


def _units(cell: ProtocolScores) -> Sequence[str]:
    """Return the units that differ: with one segment a track there is one number."""
    return UNITS if cell.test["segment"] > cell.test["track"] else UNITS[1:]


def _difference(row: ReproducedSystem) -> str:
    if row.difference is None:
        return DASH
    interval = row.interval
    bounds = "" if interval is None else f"\n[{interval[0]:+.3f}, {interval[1]:+.3f}]"
    bound = " to that bound" if row.published.bound else ""
    return f"{row.difference:+.3f}{bound}{bounds}"


def missing(rows: Sequence[ReproducedSystem]) -> dict[str, str]:
    """Return what is missing for which preset."""
    return {row.preset: row.missing for row in rows if row.missing}


def as_table(rows: Sequence[ReproducedSystem]) -> Group:
    """Return the rows for the terminal, with what is missing below them."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True)
    for name in HEAD:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, lines(row)))
    absent = (Text(f"missing for {name}: {what}") for name, what in missing(rows).items())
    return Group(table, Text(NOTE), *absent)


def as_markdown(rows: Sequence[ReproducedSystem], command: str, versions: Mapping[str, str]) -> str:
    """Return a document with the table, the command and the versions."""
    head = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    body = [f"| {' | '.join(_escaped(text) for text in lines(row))} |" for row in rows]
    papers = [f"- {name}: {PAPERS[name]}" for name in _papers(rows)]
    made = ", ".join(f"{name} {version}" for name, version in versions.items())
    absent = [f"- {name}: {what}" for name, what in missing(rows).items()]
    lacking = ["## Missing", "\n".join(absent)] if absent else []
    sources = ["## Sources", "\n".join(papers), "## How it was made", f"    {command}", made]
    parts = ["\n".join((*head, *body)), NOTE, *lacking, *sources]
    return "\n\n".join(("# Published systems, reproduced", *parts)) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def _papers(rows: Sequence[ReproducedSystem]) -> list[str]:
    return list(dict.fromkeys(row.published.paper for row in rows))


def as_csv(rows: Sequence[ReproducedSystem]) -> str:
    """Return a line for each system, protocol and unit."""
    written = io.StringIO()
    table = csv.DictWriter(written, _COLUMNS, restval="", lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerows(_records(row))
    return written.getvalue()


_COLUMNS = (
    *("preset", "paper", "system", "reported", "reported_unit", "reported_count"),
    *("protocol", "split", "unit", "part", "data", "count", "seeds", "mean", "sd", "values"),
    *("runs", "difference", "difference_low", "difference_high", "missing", "changed"),
)


def _records(row: ReproducedSystem) -> list[dict[str, Any]]:
    figure = row.published
    about = {
        "preset": row.preset,
        "paper": figure.paper,
        "system": figure.system,
        "reported": figure.accuracy,
        "reported_unit": figure.unit,
        "reported_count": figure.count or "",
        "missing": row.missing,
        "changed": row.changed,
    }
    found = [
        {**about, **_measured(row, protocol, unit)} for protocol in row.cells for unit in UNITS
    ]
    return found or [about]


def _measured(row: ReproducedSystem, protocol: Protocol, unit: str) -> dict[str, Any]:
    cell = row.cells[protocol]
    score = cell.scores[unit]
    measured: dict[str, Any] = {
        "protocol": PROTOCOLS[protocol],
        "split": cell.split,
        "unit": unit,
        "part": "test",
        "data": cell.data,
        "count": cell.test[unit],
        "seeds": cell.n,
        "mean": f"{score.mean:.6f}",
        "sd": "" if score.deviation is None else f"{score.deviation:.6f}",
        "values": " ".join(f"{value:.6f}" for value in score.values),
        "runs": " ".join(cell.runs),
    }
    if protocol == "published" and unit == row.published.unit:
        measured["difference"] = f"{row.difference:.6f}"
        if row.interval:
            low, high = (f"{end:.6f}" for end in row.interval)
            measured |= {"difference_low": low, "difference_high": high}
    return measured


def as_html(
    rows: Sequence[ReproducedSystem], command: str, versions: Mapping[str, str], figure: Figure
) -> str:
    """Return a page of its own with the figure and the table."""
    return render_page(
        "reproduction.html.j2",
        {"reproduction": figure},
        head=HEAD,
        rows=[[text.split("\n") for text in lines(row)] for row in rows],
        note=NOTE,
        missing=missing(rows),
        papers={name: PAPERS[name] for name in _papers(rows)},
        command=command,
        versions=versions,
    )
