"""Published figures beside ours: for the terminal, and as Markdown, CSV and one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls.comparison.reproduction import (
    PROTOCOLS,
    UNITS,
    Protocol,
    ProtocolScores,
    ReproducedSystem,
)
from genrecls.console import say, several, show
from genrecls.environment import environment
from genrecls.files.atomic import write_text
from genrecls.reports.figure_files import write_figures
from genrecls.reports.figures.reproduction import reported_and_ours
from genrecls.reports.numbers import DASH
from genrecls.reports.pages import how_it_was_made, render_page
from genrecls.reports.tables import Table, as_latex, to_csv
from genrecls.runs.published import PAPERS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NOTE = (
    "Ours: accuracy on the test part, mean ± standard deviation over seeds, then the split and its "
    "test part (of the first seed). Difference: ours under the published protocol, in the reported "
    "unit, less the reported figure, with its 95 % interval (our seeds by Student's t and, where "
    "the number of reported examples is known, its binomial sampling). LEAKY: pieces of one track "
    "train and test. Artists shared: the same artists train and test, a single one of them in "
    "the published fault_filtered."
)
_CSV_COLUMNS = (
    *("preset", "paper", "system", "reported", "reported_unit", "reported_count"),
    *("protocol", "split", "unit", "part", "data", "count", "seeds", "mean", "sd", "values"),
    *("runs", "difference", "difference_low", "difference_high", "missing", "changed"),
)


def write_reproduction(systems: Sequence[ReproducedSystem], folder: Path, command: str) -> None:
    """Show the table and write `reproduction.{csv,md,html,tex,png}`."""
    show(as_table(systems).to_terminal())
    versions = environment()
    name = "reproduction"
    figure = write_figures(lambda: {name: reported_and_ours(systems)}, folder)[name]
    write_text(folder / "reproduction.csv", as_csv(systems))
    write_text(folder / "reproduction.md", as_markdown(systems, command, versions))
    write_text(folder / "reproduction.html", as_html(systems, command, versions, figure))
    write_text(folder / "reproduction.tex", as_latex([as_table(systems)], command))
    say(f"written to {folder}")


def as_table(systems: Sequence[ReproducedSystem]) -> Table:
    """Return a row a system, with what is missing below."""
    rows = []
    for system in systems:
        figure = system.published
        # Of a part of a data set a result may be another matter.
        data = dict.fromkeys(cell.data for cell in system.cells.values())
        about = [f"{figure.paper}: {figure.system}", system.preset, *data]
        if system.changed:
            about.append(f"CHANGED: {system.changed}")
        difference = DASH
        if system.difference is not None:
            difference = f"{system.difference:+.3f}{' to that bound' if figure.bound else ''}"
            if system.interval is not None:
                difference += "\n[{:+.3f}, {:+.3f}]".format(*system.interval)
        absent = "missing, see below" if system.missing else DASH
        cells = [system.cells.get(protocol) for protocol in PROTOCOLS]
        row = (
            "\n".join(about),
            f"{figure.stated}\nper {figure.unit}: {figure.protocol}",
            *(absent if cell is None else _ours(cell) for cell in cells),
            difference,
        )
        rows.append(row)
    columns = ("system", "reported", *PROTOCOLS.values(), "difference")
    missing = (f"missing for {name}: {reason}" for name, reason in _missing(systems).items())
    return Table(columns, rows, notes=(_NOTE, *missing), ruled=True)


def _ours(cell: ProtocolScores) -> str:
    segments, tracks = cell.test["segment"], cell.test["track"]
    # With one segment a track there is one number.
    units = UNITS if segments > tracks else UNITS[1:]
    numbers = [f"{cell.scores[unit]} per {unit}" for unit in units]
    split = f"{cell.split}, {several(cell.n, 'seed')}"
    return "\n".join((*numbers, split, f"{segments} segments of {tracks} tracks"))


def _missing(systems: Sequence[ReproducedSystem]) -> dict[str, str]:
    return {system.preset: system.missing for system in systems if system.missing}


def _papers(systems: Sequence[ReproducedSystem]) -> dict[str, str]:
    return {system.published.paper: PAPERS[system.published.paper] for system in systems}


def as_markdown(
    systems: Sequence[ReproducedSystem], command: str, versions: Mapping[str, str]
) -> str:
    """Return a document with the table, the command and the versions."""
    table, missing = as_table(systems), _missing(systems)
    absent = "\n".join(f"- {name}: {reason}" for name, reason in missing.items())
    paragraphs = (
        "# Published systems, reproduced",
        Table(table.columns, table.rows, notes=(_NOTE,)).to_markdown(),
        *(("## Missing", absent) if missing else ()),
        "## Sources",
        "\n".join(f"- {name}: {citation}" for name, citation in _papers(systems).items()),
        how_it_was_made(command, versions),
    )
    return "\n\n".join(paragraphs) + "\n"


def as_html(
    systems: Sequence[ReproducedSystem], command: str, versions: Mapping[str, str], figure: Figure
) -> str:
    """Return a page of its own with the figure and the table."""
    return render_page(
        "reproduction.html.j2",
        {"reproduction": figure},
        table=as_table(systems),
        note=_NOTE,
        missing=_missing(systems),
        papers=_papers(systems),
        command=command,
        versions=versions,
    )


def as_csv(systems: Sequence[ReproducedSystem]) -> str:
    """Return a line for each system, protocol and unit; one for a system without any."""
    records: list[dict[str, Any]] = []
    for system in systems:
        figure = system.published
        about = {
            "preset": system.preset,
            "paper": figure.paper,
            "system": figure.system,
            "reported": figure.accuracy,
            "reported_unit": figure.unit,
            "reported_count": figure.count or "",
            "missing": system.missing,
            "changed": system.changed,
        }
        measured = [_measured(system, p, unit) for p in system.cells for unit in UNITS]
        records += [{**about, **measurement} for measurement in measured or [{}]]
    return to_csv(records, _CSV_COLUMNS)


def _measured(system: ReproducedSystem, protocol: Protocol, unit: str) -> dict[str, Any]:
    cell = system.cells[protocol]
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
    if protocol == "published" and unit == system.published.unit:
        measured["difference"] = f"{system.difference:.6f}"
        if system.interval:
            low, high = (f"{end:.6f}" for end in system.interval)
            measured |= {"difference_low": low, "difference_high": high}
    return measured
