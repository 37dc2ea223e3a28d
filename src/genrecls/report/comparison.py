"""Leaderboards for the terminal, and as Markdown, CSV and one page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genrecls.comparison import EvaluatedPart, Leaderboard, System, Verdict
from genrecls.evaluation.significance import Summary
from genrecls.report.canvas import data_uri
from genrecls.report.formats import DASH, count
from genrecls.report.page import environment, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group


@dataclass(frozen=True)
class Comparison:
    """What is shown.

    Attributes:
        by: the part that ranked.
        part: the part on which the tests were made.
        command: the command line that made it.
        versions: of what made it.
    """

    boards: tuple[Leaderboard, ...]
    by: EvaluatedPart
    part: EvaluatedPart
    command: str
    versions: Mapping[str, str]

    @property
    def head(self) -> tuple[str, ...]:
        """Names of the columns."""
        scores = ("validation accuracy", "test accuracy", "test macro-F1")
        best = f"{self.part} accuracy less that of the best"
        return ("", "system", *scores, best, "p of no difference", "parameters")

    @property
    def note(self) -> str:
        """How to read the tables."""
        return (
            "Every number is per track, mean ± standard deviation over the runs of a system. "
            "In brackets 95 % intervals: of one run by bootstrap over tracks, of the mean of "
            "several runs by Student's t, of a difference by paired bootstrap over the same "
            f"{self.part} tracks, over all runs of both that were asked the same (their numbers "
            "are given). p: two-sided, Holm-corrected over all comparisons; McNemar's test is "
            "between one run of each, the first that were asked the same (below it the tracks that "
            "only this system and only the best has right, and the ends of the runs' names). "
            f"{self._selection}"
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


def about(board: Leaderboard) -> str:
    """Return what the numbers of a leaderboard are numbers of."""
    return f"{board.about} · {board.tracks('validation')}, {board.tracks('test')} · per track"


def lines(board: Leaderboard) -> list[tuple[str, ...]]:
    """Return a row a system under the head of a comparison; a cell may have several lines."""
    return [
        (
            str(place),
            f"{system.label}\n{_runs(system)}",
            _spread(system.score("validation")),
            f"{_spread(system.score('test'))}\n{_bounds(system.interval('test'))}",
            _spread(system.score("test", "macro_f1")),
            *_tested(verdict),
            count(system.runs[0].metrics["model"]["parameters"]),
        )
        for place, (system, verdict) in enumerate(_pairs(board), start=1)
    ]


def _pairs(board: Leaderboard) -> list[tuple[System, Verdict | None]]:
    return list(zip(board.systems, board.verdicts, strict=True))


def _runs(system: System) -> str:
    many = len(system.runs)
    named = system.runs[0].name if many == 1 else f"{many} runs"
    return f"{named}, {system.repetitions}"


def _spread(found: Summary) -> str:
    spread = "" if found.deviation is None else f" ± {found.deviation:.3f}"
    return f"{found.mean:.3f}{spread}"


def _bounds(interval: tuple[float, float], sign: str = "") -> str:
    return "[{:{sign}.3f}, {:{sign}.3f}]".format(*interval, sign=sign)


def _tested(verdict: Verdict | None) -> tuple[str, str]:
    """Return the cells of the difference and of its p values."""
    if verdict is None:
        return "best", DASH
    pairing = verdict.pairing
    if pairing.difference is None or pairing.mcnemar is None:
        return pairing.reason, DASH
    difference = f"{pairing.difference.mean:+.3f}\n{_bounds(pairing.difference.interval, '+')}"
    discordant = f"{pairing.mcnemar.only_first} : {pairing.mcnemar.only_second}"
    runs = " : ".join(name.rpartition("-")[2] for name in pairing.runs)
    compared = "{} : {} runs".format(*pairing.compared)
    return (
        f"{difference}\n{pairing.tracks} tracks, {compared}",
        f"permutation {_p(verdict.p)}\nMcNemar {_p(verdict.p_mcnemar)}\n{discordant}\n{runs}",
    )


def _p(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def as_table(found: Comparison) -> Group:
    """Return the leaderboards for the terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    tables: list[Any] = []
    for board in found.boards:
        title = Text(about(board), style="bold red" if board.leaky else "bold")
        table = Table(title=title, title_justify="left", show_lines=True)
        for index, name in enumerate(found.head):
            table.add_column(name, overflow="fold", justify="left" if index < 2 else "right")
        for row in lines(board):
            table.add_row(*map(Text, row))
        tables.append(table)
    return Group(*tables, Text(found.note))


def as_markdown(found: Comparison) -> str:
    """Return a document with the leaderboards, the command and the versions."""
    parts = [part for board in found.boards for part in (f"## {about(board)}", _grid(found, board))]
    figures = (
        "![Learning curves](learning_curves.png)\n\n![F1 of each genre](genres.png)",
        "## How it was made",
        f"    {found.command}",
        ", ".join(f"{name} {version}" for name, version in found.versions.items()),
    )
    return "\n\n".join(("# Runs compared", *parts, found.note, *figures)) + "\n"


def _grid(found: Comparison, board: Leaderboard) -> str:
    head = [f"| {' | '.join(found.head)} |", f"|{' --- |' * len(found.head)}"]
    body = [f"| {' | '.join(map(_escaped, row))} |" for row in lines(board)]
    return "\n".join((*head, *body))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def as_csv(found: Comparison) -> str:
    """Return a line a system, all numbers in full."""
    records = [
        _record(found, board, place, pair)
        for board in found.boards
        for place, pair in enumerate(_pairs(board), start=1)
    ]
    written = io.StringIO()
    table = csv.DictWriter(written, list(records[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(records)
    return written.getvalue()


def _record(
    found: Comparison, board: Leaderboard, place: int, pair: tuple[System, Verdict | None]
) -> dict[str, Any]:
    system, verdict = pair
    record: dict[str, Any] = {
        "data": board.data,
        "split": board.split,
        "rank": place,
        "ranked_by": f"{found.by} accuracy per track",
        "system": system.label,
        "repetitions": system.repetitions,
        "n": len(system.runs),
    }
    for part in ("validation", "test"):
        for unit in ("track", "segment"):
            score = system.score(part, unit=unit)
            record[f"{part}_{unit}_accuracy"] = score.mean
            record[f"{part}_{unit}_accuracy_sd"] = score.deviation
        low, high = system.interval(part)
        record |= {f"{part}_track_accuracy_low": low, f"{part}_track_accuracy_high": high}
        record[f"{part}_track_macro_f1"] = system.score(part, "macro_f1").mean
    record |= _verdict(found.part, verdict)
    parameters = system.runs[0].metrics["model"]["parameters"]
    return {**record, "parameters": parameters, "runs": " ".join(run.name for run in system.runs)}


def _verdict(part: str, verdict: Verdict | None) -> dict[str, Any]:
    pairing = verdict.pairing if verdict else None
    difference = pairing.difference if pairing else None
    test = pairing.mcnemar if pairing else None
    low, high = difference.interval if difference else (None, None)
    return {
        "compared_on": f"{part} tracks",
        "compared_tracks": pairing.tracks if pairing else None,
        "difference": difference.mean if difference else None,
        "difference_low": low,
        "difference_high": high,
        "permutation_p": difference.p if difference else None,
        "permutation_p_holm": verdict.p if verdict else None,
        "mcnemar_only_this": test.only_first if test else None,
        "mcnemar_only_best": test.only_second if test else None,
        "mcnemar_exact": test.exact if test else None,
        "mcnemar_p": test.p if test else None,
        "mcnemar_p_holm": verdict.p_mcnemar if verdict else None,
        "mcnemar_runs": " ".join(pairing.runs) if pairing else None,
        "not_compared": pairing.reason if pairing else None,
    }


def as_html(found: Comparison, figures: Mapping[str, Figure]) -> str:
    """Return a page of its own with the leaderboards and the figures."""
    boards: Sequence[tuple[str, bool, list[list[list[str]]]]] = [
        (about(b), b.leaky, [[cell.split("\n") for cell in row] for row in lines(b)])
        for b in found.boards
    ]
    page = environment().get_template("comparison.html.j2")
    drawn = {name: data_uri(figure) for name, figure in figures.items()}
    return printable(page.render(found=found, boards=boards, figures=drawn))
