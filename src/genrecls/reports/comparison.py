"""Leaderboards for the terminal, as Markdown and as one page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genrecls.comparison.leaderboard import EvaluatedPart, Failed, Leaderboard
from genrecls.reports.pages import render_page
from genrecls.reports.ranking import MOST_COLUMNS, about, columns, narrow_columns, rows, setting

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group
    from rich.table import Table

FIGURES = {
    "scores": "Accuracy with intervals",
    "parameters": "Accuracy against parameters",
    "learning_curves": "Learning curves",
    "genres": "F1 of each genre",
}
_FAILED = ("training", "run", "reason", "log")
_NOTHING = "no run is finished, so there is nothing to rank"


@dataclass(frozen=True)
class Comparison:
    """What is shown.

    Attributes:
        by: the part that ranked.
        part: the part on which the tests were made.
        command: the command line that made it.
        versions: of what made it.
        failed: runs that are in no leaderboard, for they have no scores.
    """

    boards: tuple[Leaderboard, ...]
    by: EvaluatedPart
    part: EvaluatedPart
    command: str
    versions: Mapping[str, str]
    failed: tuple[Failed, ...] = ()

    @property
    def note(self) -> str:
        """How to read the tables."""
        if not self.boards:
            return f"{_NOTHING[0].upper()}{_NOTHING[1:]}."
        return (
            "Every number is per track, mean ± standard deviation over the runs of a system, which "
            "are those that differ in seed or fold alone. "
            "In brackets 95 % intervals: of one run by bootstrap over its tracks, of the mean of "
            "several runs by bootstrap over runs and tracks at once, of a difference by paired "
            f"bootstrap over the same {self.part} tracks, over all runs of both that were asked "
            "the same (their numbers are given). p: two-sided, Holm-corrected over all "
            "comparisons; McNemar's test is between one run of each, the first that were asked the "
            "same (below it the tracks that only this system and only the best has right, and the "
            "ends of the runs' names). "
            "Training time is that of the machine each run was trained on, without features and "
            f"evaluation. {self._selection}"
        )

    @property
    def _selection(self) -> str:
        if self.by == "test":
            return (
                "CAUTION: ranked by test accuracy: the best is selected on the test set, so its "
                "test accuracy is too high; leave out --by test to choose by validation."
            )
        if self.part == "validation":
            return "Ranked by and tested on the validation part, which flatters the best."
        return f"Ranked by {self.by} accuracy; the {self.part} part took no part in the choice."


@dataclass(frozen=True)
class ScoreGrid:
    """A table of a document.

    Attributes:
        head: names of the columns.
        numbers: for each column whether it is read from the right.
        alarm: whether its title has to be read before it is believed.
    """

    title: str
    head: Sequence[str]
    body: Sequence[Sequence[str]]
    numbers: Sequence[bool]
    alarm: bool = False


def grids(found: Comparison) -> list[ScoreGrid]:
    """Return the tables of a document: the leaderboards, then the runs that failed."""
    tables = [grid for board in found.boards for grid in _of_board(found, board)]
    if found.failed:
        numbers = (False,) * len(_FAILED)
        tables.append(ScoreGrid(_failures(found), _FAILED, _lost(found), numbers, alarm=True))
    return tables


def _of_board(found: Comparison, board: Leaderboard) -> list[ScoreGrid]:
    """Return the table of a leaderboard, and one of settings where they are too many for it."""
    shown = columns(board, found.part)
    body = [[column.cell(row) for column in shown] for row in rows(board)]
    names, numbers = [column.name for column in shown], [column.number for column in shown]
    table = ScoreGrid(about(board), names, body, numbers, alarm=board.leaky)
    return [table, _settings(board)] if len(board.differing) > MOST_COLUMNS else [table]


def _settings(board: Leaderboard) -> ScoreGrid:
    settings, systems = [setting(key) for key in board.differing], rows(board)
    body = [[column.name, *map(column.cell, systems)] for column in settings]
    head = ["", *(f"{row.place} {row.system.title}" for row in systems)]
    return ScoreGrid(f"What differs · {board.about}", head, body, (False,) * len(head))


def _failures(found: Comparison) -> str:
    return f"{len(found.failed)} failed {'runs' if len(found.failed) > 1 else 'run'}"


def _lost(found: Comparison) -> list[tuple[str, ...]]:
    return [(one.title, one.name, one.reason, one.log) for one in found.failed]


def as_table(found: Comparison) -> Group:
    """Return the leaderboards for the terminal."""
    from rich.console import Group
    from rich.text import Text

    tables: list[Any] = [_terminal_table(found, board) for board in found.boards]
    if found.failed:
        names = [(name, False) for name in _FAILED]
        tables.append(_ruled(Text(_failures(found), style="bold red"), names, _lost(found)))
    return Group(*tables, Text(found.note))


def _terminal_table(found: Comparison, board: Leaderboard) -> Table:
    from rich.text import Text

    shown = narrow_columns(board, found.part)
    title = Text(about(board), style="bold red" if board.leaky else "bold")
    body = ([column.cell(row) for column in shown] for row in rows(board))
    return _ruled(title, [(column.name, column.number) for column in shown], body)


def _ruled(title: Any, names: Iterable[tuple[str, bool]], body: Iterable[Sequence[str]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", show_lines=True)
    for name, number in names:
        table.add_column(name, overflow="fold", justify="right" if number else "left")
    for cells in body:
        table.add_row(*map(Text, cells))
    return table


def as_markdown(found: Comparison) -> str:
    """Return a document with the leaderboards, the command and the versions."""
    tables = [part for grid in grids(found) for part in (f"## {grid.title}", _piped(grid))]
    drawn = [f"![{title}]({name}.png)" for name, title in FIGURES.items() if found.boards]
    made = (
        "## How it was made",
        f"    {found.command}",
        ", ".join(f"{name} {version}" for name, version in found.versions.items()),
    )
    return "\n\n".join(("# Runs compared", *tables, found.note, *drawn, *made)) + "\n"


def _piped(grid: ScoreGrid) -> str:
    head = [f"| {' | '.join(map(_escaped, grid.head))} |", f"|{' --- |' * len(grid.head)}"]
    return "\n".join((*head, *(f"| {' | '.join(map(_escaped, row))} |" for row in grid.body)))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def as_html(found: Comparison, figures: Mapping[str, Figure]) -> str:
    """Return a page of its own with the leaderboards and the figures."""
    return render_page("comparison.html.j2", figures, found=found, grids=grids(found))
