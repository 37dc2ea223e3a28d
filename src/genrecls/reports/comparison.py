"""Runs compared: leaderboards for the terminal, as Markdown, CSV, figures and one page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls.comparison.config_diff import title_of
from genrecls.comparison.leaderboard import (
    Failed,
    Leaderboard,
    System,
    Verdict,
    compare,
)
from genrecls.console import say, several, show
from genrecls.environment import environment
from genrecls.files.atomic import write_text
from genrecls.reports.figure_files import write_figures
from genrecls.reports.figures.genre_heatmap import genre_map
from genrecls.reports.figures.learning_curves import learning_curves
from genrecls.reports.figures.parameters import accuracy_by_parameters
from genrecls.reports.figures.scores import accuracies
from genrecls.reports.leaderboard_tables import narrow_table, paper_table, wide_tables
from genrecls.reports.pages import address, how_it_was_made, render_page
from genrecls.reports.tables import Table, as_latex, to_csv
from genrecls.runs.record import RunRecord
from genrecls.splits.base import EvaluatedPart

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group, RenderableType

_FIGURES = {
    "scores": "Accuracy with intervals",
    "parameters": "Accuracy against parameters",
    "learning_curves": "Learning curves",
    "genres": "F1 of each genre",
}
_NO_RUN = "No run is finished, so there is nothing to rank."
_IN_SHORT = (
    "Per track; mean ± standard deviation over seeds and folds, in brackets 95 % intervals; p is "
    "Holm-corrected. {selection} comparison.html says how all of it was computed."
)
_HOW_TO_READ = """
Every number is per track, mean ± standard deviation over the runs of a system, which are those \
that differ in seed or fold alone.
In brackets 95 % intervals: of one run Wilson's (in older runs by bootstrap), of the mean of \
several runs by bootstrap over runs and tracks at once, of a difference by paired bootstrap over \
the same {part} tracks, over all runs of both that were asked the same (their numbers are given, \
and their accuracies where the difference is not that of the means beside it). \
Where the split keeps artists apart, artists are drawn instead of tracks.
p: two-sided, Holm-corrected over all comparisons.
McNemar's test is between one run of each, the first that were asked the same (below it the tracks \
that only this system and only the best has right, and the ends of the runs' names). It takes \
tracks as independent, also where artists are drawn for the rest.
Training time is that of the machine each run was trained on, without features and evaluation.
"""


@dataclass(frozen=True)
class Comparison:
    """What is shown.

    Attributes:
        by: the part that ranked.
        part: the part on which the tests were made.
        command: the command line that made it.
        versions: of what made it.
        failed: runs that are in no leaderboard because they have no scores.
        folder: where it is written; None where it is not.
    """

    boards: tuple[Leaderboard, ...]
    by: EvaluatedPart
    part: EvaluatedPart
    command: str
    versions: Mapping[str, str]
    failed: tuple[Failed, ...] = ()
    folder: Path | None = None

    @property
    def reports(self) -> dict[str, str]:
        """Address of the page of each run, from where this is written, by the run's name."""
        if self.folder is None:
            return {}
        runs = [run for board in self.boards for system in board.systems for run in system.runs]
        return {run.name: address(run.report, self.folder) for run in runs if run.report.is_file()}

    @property
    def notes(self) -> list[str]:
        """How to read the tables, a note a matter."""
        return _HOW_TO_READ.format(part=self.part).strip().splitlines()

    @property
    def short_note(self) -> str:
        """What a table on a terminal must say; the documents beside it say all."""
        return _IN_SHORT.format(selection=self.selection) if self.boards else _NO_RUN

    @property
    def selection(self) -> str:
        """On which part the best was chosen, and what that means."""
        if not self.boards:
            return _NO_RUN
        if self.by == "test":
            return (
                "CAUTION: ranked by test accuracy: the best is selected on the test set, so its "
                "test accuracy is too high; leave out --rank-by test to choose by validation."
            )
        if self.part == "validation":
            return "Ranked by and tested on the validation part, which flatters the best."
        tied = any(row.tied for board in self.boards for row in board.ranked)
        ties = "Systems of one place tie, and none of them is better than the others. "
        uneven = (
            "CAUTION: not all systems have the same seeds and folds, so that places compare means "
            "over other tracks. "
        )
        return (
            f"{uneven if any(board.uneven for board in self.boards) else ''}"
            f"{ties if tied else ''}Ranked by {self.by} accuracy, equal ones by macro-F1; the "
            f"{self.part} part took no part in the choice."
        )


def write_comparison(
    runs: Sequence[RunRecord],
    folder: Path,
    command: str,
    failed: Sequence[Failed] = (),
    by: EvaluatedPart = "validation",
    part: EvaluatedPart = "test",
) -> tuple[Leaderboard, ...]:
    """Show the leaderboards of runs and write `comparison.{csv,md,html,tex}` and the figures.

    Args:
        runs: one a configuration, seed and fold, as `newest` leaves them; there may be none.
        folder: where everything is written.
        command: the command line that made it.
        failed: runs without scores, listed below the tables.
        by: the part whose accuracy per track ranks.
        part: the part on which systems are tested against the best.
    """
    boards = compare(runs, by, part)
    comparison = Comparison(boards, by, part, command, environment(), tuple(failed), folder)
    show(as_terminal(comparison))
    figures = write_figures(lambda: draw(boards, part), folder)
    write_text(folder / "comparison.csv", as_csv(comparison))
    write_text(folder / "comparison.md", as_markdown(comparison))
    write_text(folder / "comparison.html", as_html(comparison, figures))
    write_text(folder / "comparison.tex", as_latex(paper_tables(comparison), command))
    say(f"written to {folder}")
    return boards


def draw(boards: Sequence[Leaderboard], part: EvaluatedPart) -> dict[str, Figure]:
    """Return the figures of leaderboards by name; none where there is no leaderboard."""
    if not boards:
        return {}
    return {
        "scores": accuracies(boards),
        "parameters": accuracy_by_parameters(boards, part),
        "learning_curves": learning_curves(boards),
        "genres": genre_map(boards, part),
    }


def as_terminal(comparison: Comparison) -> Group:
    """Return the leaderboards for the terminal, where settings and costs need few columns."""
    from rich.console import Group
    from rich.text import Text

    boards = [narrow_table(board, comparison.part) for board in comparison.boards]
    tables = [replace(table, ruled=True) for table in (*boards, *_failed_runs(comparison))]
    parts: list[RenderableType] = []
    for table in tables:
        parts += [table.to_terminal(), Text()]
    return Group(*parts, Text(comparison.short_note))


def as_markdown(comparison: Comparison) -> str:
    """Return a document with the leaderboards, the command and the versions."""
    figures = _FIGURES.items() if comparison.boards else ()
    paragraphs = (
        "# Runs compared",
        *(table.to_markdown() for table in _wide_tables(comparison)),
        comparison.selection,
        *(["\n".join(f"- {note}" for note in comparison.notes)] if comparison.boards else []),
        *_links(comparison),
        *(f"![{title}]({name}.png)" for name, title in figures),
        how_it_was_made(comparison.command, comparison.versions),
    )
    return "\n\n".join(paragraphs) + "\n"


def _links(comparison: Comparison) -> list[str]:
    links = [f"- [{name}]({page})" for name, page in comparison.reports.items()]
    return ["## Reports of the runs", "\n".join(links)] if links else []


def as_html(comparison: Comparison, figures: Mapping[str, Figure]) -> str:
    """Return a page of its own with the leaderboards and the figures."""
    tables = _wide_tables(comparison)
    return render_page("comparison.html.j2", figures, comparison=comparison, tables=tables)


def _wide_tables(comparison: Comparison) -> list[Table]:
    """Return the tables of a document: the leaderboards, then the runs that failed."""
    boards = [table for b in comparison.boards for table in wide_tables(b, comparison.part)]
    return [*boards, *_failed_runs(comparison)]


def _failed_runs(comparison: Comparison) -> list[Table]:
    if not comparison.failed:
        return []
    rows = [(failed.title, failed.name, failed.reason, failed.log) for failed in comparison.failed]
    damaged = any(failed.state == "damaged" for failed in comparison.failed)
    title = f"{several(len(rows), 'run')} left out" if damaged else several(len(rows), "failed run")
    return [Table(("training", "run", "reason", "log"), rows, title, alarm=True)]


def paper_tables(comparison: Comparison) -> list[Table]:
    """Return the leaderboards as a column of a paper has them."""
    return [
        paper_table(board, comparison.part, comparison.selection) for board in comparison.boards
    ]


def as_csv(comparison: Comparison) -> str:
    """Return a line a system, then one a failed run, with all numbers in full.

    Every differing setting has a column; what a system does not have stays empty.
    """
    keys = list(dict.fromkeys(key for board in comparison.boards for key in board.differing))
    records: list[dict[str, Any]] = []
    for board in comparison.boards:
        for row in board.ranked:
            system, settings = row.system, row.system.settings
            record = {
                "state": "finished",
                "data": board.data,
                "split": board.split,
                "told_apart_by": board.distinction,
                "rank": row.place,
                "ranked_by": f"{comparison.by} accuracy per track",
                "system": system.label,
                "repetitions": system.repetitions,
                "n": len(system.runs),
                **_score_record(system),
                **_verdict_record(comparison.part, row.verdict),
                "parameters": system.parameters,
                "int8_bytes": system.int8_bytes,
                "training_seconds": system.seconds.mean if system.seconds else None,
                "training_seconds_sd": system.seconds.deviation if system.seconds else None,
                "runs": " ".join(run.name for run in system.runs),
            }
            for key in (key for key in keys if key in settings):
                value = settings[key]
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                record[title_of(key)] = text
            records.append(record)
    for failed in comparison.failed:
        facts = {"training": failed.title, "reason": failed.reason, "log": failed.log}
        records.append({"state": failed.state, "runs": failed.name, **facts})
    return to_csv(records)


def _score_record(system: System) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for part in ("validation", "test"):
        for unit in ("track", "segment"):
            score = system.score(part, unit=unit)
            record[f"{part}_{unit}_accuracy"] = score.mean
            record[f"{part}_{unit}_accuracy_sd"] = score.deviation
        low, high = system.interval(part)
        record |= {f"{part}_track_accuracy_low": low, f"{part}_track_accuracy_high": high}
        f1 = system.score(part, "macro_f1")
        record |= {f"{part}_track_macro_f1": f1.mean, f"{part}_track_macro_f1_sd": f1.deviation}
    return record


def _verdict_record(part: str, verdict: Verdict | None) -> dict[str, Any]:
    pairing = verdict.pairing if verdict else None
    difference = pairing.difference if pairing else None
    test = pairing.mcnemar if pairing else None
    low, high = difference.interval if difference else (None, None)
    return {
        "compared_on": f"{part} tracks",
        "compared_tracks": pairing.tracks if pairing else None,
        "compared_accuracy": pairing.accuracies[0] if difference and pairing else None,
        "compared_accuracy_of_best": pairing.accuracies[1] if difference and pairing else None,
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
