"""Runs compared: leaderboards for the terminal, as Markdown, CSV, figures and one page."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from genrecls.comparison.config_diff import title_of, value_of
from genrecls.comparison.leaderboard import (
    Failed,
    Leaderboard,
    RankedSystem,
    System,
    Verdict,
    compare,
)
from genrecls.console import say, several, show
from genrecls.environment import environment
from genrecls.evaluation.significance import SeedSummary
from genrecls.files.atomic import write_text
from genrecls.reports.figure_files import write_figures
from genrecls.reports.figures.genre_heatmap import genre_map
from genrecls.reports.figures.learning_curves import learning_curves
from genrecls.reports.figures.parameters import accuracy_by_parameters
from genrecls.reports.figures.scores import accuracies
from genrecls.reports.numbers import DASH, count, duration, kilobytes
from genrecls.reports.pages import how_it_was_made, render_page
from genrecls.reports.tables import Column, Table, as_latex, to_csv
from genrecls.runs.record import RunRecord
from genrecls.splits.base import EvaluatedPart

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group, RenderableType

MOST_COLUMNS = 6
"""Differing settings that have a column each; more are read in a table of their own."""

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
that only this system and only the best has right, and the ends of the runs' names).
Training time is that of the machine each run was trained on, without features and evaluation.
"""
# Half of the last digit that is shown.
_SAME = 0.0005

_PAPER_NOTE = (
    "Per test track. Mean ± standard deviation over seeds and folds; F1: macro-F1; in brackets "
    "95 % intervals. Difference: to the first, over the runs that were asked the same {part} "
    "tracks; p: by permutation, Holm-corrected. Weights: number of parameters."
)


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
        return {
            run.name: quote(Path(os.path.relpath(run.report, self.folder)).as_posix())
            for run in runs
            if run.report.is_file()
        }

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
        return (
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
    links = [f"- [{name}]({address})" for name, address in comparison.reports.items()]
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


@dataclass(frozen=True)
class _SystemColumn:
    """What is said of every system, in one line or several."""

    name: str
    cell: Callable[[RankedSystem], str]
    kind: Literal["text", "number"] = "number"


def about(board: Leaderboard) -> str:
    """Return what the numbers of a leaderboard are numbers of."""
    return f"{board.about} · {board.tracks('validation')}, {board.tracks('test')} · per track"


def wide_tables(board: Leaderboard, part: EvaluatedPart) -> list[Table]:
    """Return the table of a leaderboard, one column a differing setting and one a number.

    Where there are too many settings for that, they have a second table, one column a system.
    """
    many = len(board.differing) > MOST_COLUMNS
    settings = [
        _SystemColumn(title_of(key), partial(_setting, key), "text") for key in board.differing
    ]
    columns = [
        _SystemColumn("", lambda row: str(row.place), "text"),
        _SystemColumn("system", lambda row: f"{row.system.title}\n{_runs(row.system)}", "text"),
        *([] if many else settings),
        *_scores(board, part),
        *_costs(board),
    ]
    table = _table(board, columns)
    if not many:
        return [table]
    systems = board.ranked
    ends = [f" ({r.system.runs[0].name.rpartition('-')[2]})" if r.tied else "" for r in systems]
    titles = (f"{r.place} {r.system.title}{end}" for r, end in zip(systems, ends, strict=True))
    heads = ("", *titles)
    rows = [[column.name, *map(column.cell, systems)] for column in settings]
    return [table, Table(heads, rows, f"What differs · {board.about}")]


def narrow_table(board: Leaderboard, part: EvaluatedPart) -> Table:
    """Return the table of a leaderboard with settings and costs below each other."""
    costs = _costs(board)
    # Model and features are in the system's title already.
    keys = [key for key in board.differing if title_of(key) not in {"model", "features"}]

    def system_cell(row: RankedSystem) -> str:
        settings = [
            f"{title_of(key)}={value_of(row.system.settings, key, 24)}"
            for key in keys[:MOST_COLUMNS]
            if key in row.system.settings
        ]
        if len(keys) > MOST_COLUMNS:
            settings.append(f"and {len(keys) - MOST_COLUMNS} more settings")
        return "\n".join((row.system.title, *settings, _runs(row.system)))

    columns = [
        _SystemColumn("", lambda row: str(row.place), "text"),
        _SystemColumn("system", system_cell, "text"),
        *_scores(board, part),
        _SystemColumn("cost", lambda row: "\n".join(f"{c.name} {c.cell(row)}" for c in costs)),
    ]
    return _table(board, columns)


def paper_tables(comparison: Comparison) -> list[Table]:
    """Return the leaderboards as a column of a paper has them: short heads, no names of runs."""

    def difference(row: RankedSystem) -> str:
        pairing = row.verdict.pairing if row.verdict else None
        if row.verdict is None or pairing is None or pairing.difference is None:
            return DASH
        bounds, p = _bounds(pairing.difference.interval, "+"), _p_value(row.verdict.p)
        return f"{pairing.difference.mean:+.3f}\n{bounds}\np {p if p[0] == '<' else f'= {p}'}"

    def paper_table(board: Leaderboard) -> Table:
        pairings = [row.verdict.pairing for row in board.ranked if row.verdict]
        reasons = dict.fromkeys(pairing.reason for pairing in pairings if pairing.reason)
        columns = [
            _SystemColumn("System", lambda row: f"{row.place}. {row.system.label}", "text"),
            _SystemColumn("Accuracy", lambda row: _accuracy(row.system, "test")),
            _SystemColumn("F1", lambda row: _mean(row.system.score("test", "macro_f1"), "\n")),
            _SystemColumn("Difference", difference),
            _SystemColumn("Weights", lambda row: count(row.system.parameters)),
        ]
        data = board.systems[0].runs[0].metrics.dataset.title
        split = ", ".join(filter(None, (f"split {board.split}", board.distinction)))
        title = f"{data}; {split}; {board.tracks('test')}."
        note = _PAPER_NOTE.format(part=comparison.part)
        notes = [" ".join((note, comparison.selection, *(f"{DASH}: {one}." for one in reasons)))]
        return replace(_table(board, columns), title=title, notes=notes)

    return [paper_table(board) for board in comparison.boards]


def _table(board: Leaderboard, columns: Sequence[_SystemColumn]) -> Table:
    rows = [[column.cell(row) for column in columns] for row in board.ranked]
    heads = [Column(column.name, column.kind) for column in columns]
    return Table(heads, rows, about(board), alarm=board.leaky)


def _scores(board: Leaderboard, part: EvaluatedPart) -> list[_SystemColumn]:
    """Return the columns of the scores and of the tests on `part`."""

    def difference(row: RankedSystem) -> str:
        if row.verdict is None:
            return (
                f"best, tied\nwith {row.tied} other{'s' * (row.tied > 1)}" if row.tied else "best"
            )
        pairing = row.verdict.pairing
        if pairing.difference is None:
            return pairing.reason
        mean, bounds = pairing.difference.mean, _bounds(pairing.difference.interval, "+")
        compared = "{} : {} runs".format(*pairing.compared)
        lines = [f"{mean:+.3f}", bounds, f"{pairing.tracks} tracks, {compared}"]
        means = [system.score(part).mean for system in (row.system, board.systems[0])]
        if abs(means[0] - means[1] - mean) > _SAME:
            # It is no difference of the means beside it, which are over other runs, too.
            lines.append("of these {:.3f} and {:.3f}".format(*pairing.accuracies))
        return "\n".join(lines)

    def chance(row: RankedSystem) -> str:
        test = row.verdict.pairing.mcnemar if row.verdict else None
        if row.verdict is None or test is None:
            return DASH
        runs = " :\n".join(name.rpartition("-")[2] for name in row.verdict.pairing.runs)
        return (
            f"permutation {_p_value(row.verdict.p)}\nMcNemar {_p_value(row.verdict.p_mcnemar)}\n"
            f"{test.only_first} : {test.only_second}\n{runs}"
        )

    return [
        _SystemColumn("validation accuracy", lambda row: _accuracy(row.system, "validation")),
        _SystemColumn("test accuracy", lambda row: _accuracy(row.system, "test")),
        _SystemColumn("test macro-F1", lambda row: _mean(row.system.score("test", "macro_f1"))),
        _SystemColumn(f"difference to the best, {part}", difference),
        _SystemColumn("p of no difference", chance),
    ]


def _costs(board: Leaderboard) -> list[_SystemColumn]:
    """Return the columns of what a system costs; none of int8 where nothing was exported."""

    def size(row: RankedSystem) -> str:
        return DASH if row.system.int8_bytes is None else kilobytes(row.system.int8_bytes)

    def time(row: RankedSystem) -> str:
        spent = row.system.seconds
        if spent is None:
            return DASH
        spread = "" if spent.deviation is None else f"\n± {duration(spent.deviation)}"
        return f"{duration(spent.mean)}{spread}"

    exported = any(system.int8_bytes is not None for system in board.systems)
    return [
        _SystemColumn("parameters", lambda row: count(row.system.parameters)),
        *([_SystemColumn("int8 file", size)] if exported else []),
        _SystemColumn("training time", time),
    ]


def _setting(key: str, row: RankedSystem) -> str:
    return value_of(row.system.settings, key)


def _runs(system: System) -> str:
    many = len(system.runs)
    names = system.runs[0].name if many == 1 else f"{many} runs"
    return f"{names}, {system.repetitions}"


def _accuracy(system: System, part: str) -> str:
    return f"{_mean(system.score(part))}\n{_bounds(system.interval(part))}"


def _p_value(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _mean(score: SeedSummary, between: str = " ") -> str:
    spread = "" if score.deviation is None else f"{between}± {score.deviation:.3f}"
    return f"{score.mean:.3f}{spread}"


def _bounds(interval: tuple[float, float], sign: str = "") -> str:
    return "[{:{sign}.3f}, {:{sign}.3f}]".format(*interval, sign=sign)


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
