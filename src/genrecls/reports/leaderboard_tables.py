"""Tables of a leaderboard: one for documents, one for the terminal, one for a paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from genrecls.comparison.config_diff import title_of, value_of
from genrecls.comparison.leaderboard import Leaderboard, RankedSystem, System
from genrecls.evaluation.significance import SeedSummary
from genrecls.reports.numbers import DASH, count, duration, kilobytes
from genrecls.reports.tables import Column, Table
from genrecls.splits.base import EvaluatedPart

MOST_COLUMNS = 6
"""Differing settings that have a column each; more are read in a table of their own."""

_PAPER_NOTE = (
    "Per test track. Mean ± standard deviation over seeds and folds; F1: macro-F1; in brackets "
    "95 % intervals. Difference: to the first, over the runs that were asked the same {part} "
    "tracks; p: by permutation, Holm-corrected. Weights: number of parameters."
)
# Half of the last digit that is shown.
_SAME = 0.0005


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


def paper_table(board: Leaderboard, part: EvaluatedPart, selection: str) -> Table:
    """Return a leaderboard as a column of a paper has it: short heads, no names of runs.

    Args:
        board: the leaderboard.
        part: on which systems are tested against the best.
        selection: what chose the order, as a sentence.
    """

    def difference(row: RankedSystem) -> str:
        pairing = row.verdict.pairing if row.verdict else None
        if row.verdict is None or pairing is None or pairing.difference is None:
            return DASH
        bounds, p = _bounds(pairing.difference.interval, "+"), _p_value(row.verdict.p)
        return f"{pairing.difference.mean:+.3f}\n{bounds}\np {p if p[0] == '<' else f'= {p}'}"

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
    note = _PAPER_NOTE.format(part=part)
    notes = [" ".join((note, selection, *(f"{DASH}: {one}." for one in reasons)))]
    return replace(_table(board, columns), title=title, notes=notes)


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
