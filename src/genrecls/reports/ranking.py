"""The columns of a leaderboard and what stands in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from genrecls.comparison.config_diff import title_of, value_of
from genrecls.comparison.leaderboard import EvaluatedPart, Leaderboard, System, Verdict
from genrecls.evaluation.significance import SeedSummary
from genrecls.reports.figures.tradeoff import kilobytes
from genrecls.reports.numbers import DASH, count, duration

MOST_COLUMNS = 6
"""Differing settings that have a column each; more are read in a table of their own."""


@dataclass(frozen=True)
class RankedRow:
    """A system in its place.

    Attributes:
        place: from 1.
        verdict: None for the best.
    """

    place: int
    system: System
    verdict: Verdict | None


@dataclass(frozen=True)
class Column:
    """What is said of every system.

    Attributes:
        cell: may return several lines.
        number: whether it is read from the right.
    """

    name: str
    cell: Callable[[RankedRow], str]
    number: bool = True


def about(board: Leaderboard) -> str:
    """Return what the numbers of a leaderboard are numbers of."""
    return f"{board.about} · {board.tracks('validation')}, {board.tracks('test')} · per track"


def rows(board: Leaderboard) -> list[RankedRow]:
    """Return the systems of a leaderboard with their places and verdicts."""
    placed = enumerate(zip(board.systems, board.verdicts, strict=True), start=1)
    return [RankedRow(place, system, verdict) for place, (system, verdict) in placed]


def columns(board: Leaderboard, part: EvaluatedPart) -> list[Column]:
    """Return the columns of a document: one a differing setting, one a number."""
    settings = board.differing if len(board.differing) <= MOST_COLUMNS else ()
    return [
        Column("", lambda row: str(row.place), number=False),
        Column("system", lambda row: f"{row.system.title}\n{_runs(row.system)}", number=False),
        *(setting(key) for key in settings),
        *scores(part),
        *(Column(name, cell) for name, cell in _costs(board)),
    ]


def narrow_columns(board: Leaderboard, part: EvaluatedPart) -> list[Column]:
    """Return the columns for a terminal, where settings and costs stand below each other."""

    def cost(row: RankedRow) -> str:
        return "\n".join(f"{name} {cell(row)}" for name, cell in _costs(board))

    def system(row: RankedRow) -> str:
        return "\n".join((row.system.title, *_told(board, row.system), _runs(row.system)))

    return [
        Column("", lambda row: str(row.place), number=False),
        Column("system", system, number=False),
        *scores(part),
        Column("cost", cost),
    ]


def setting(key: str) -> Column:
    """Return the column of a setting."""
    return Column(title_of(key), lambda row: value_of(row.system.settings, key), number=False)


def scores(part: EvaluatedPart) -> list[Column]:
    """Return the columns of the scores and of the tests on `part`."""
    return [
        Column("validation accuracy", lambda row: _accuracy(row.system, "validation")),
        Column("test accuracy", lambda row: _accuracy(row.system, "test")),
        Column("test macro-F1", lambda row: _spread(row.system.score("test", "macro_f1"))),
        Column(f"{part} accuracy less that of the best", lambda row: _difference(row.verdict)),
        Column("p of no difference", lambda row: _chance(row.verdict)),
    ]


def _costs(board: Leaderboard) -> list[tuple[str, Callable[[RankedRow], str]]]:
    """Return what a system costs; no size in int8 where nothing was exported."""
    found: list[tuple[str, Callable[[RankedRow], str]]] = [
        ("parameters", lambda row: count(row.system.parameters)),
        ("training time", lambda row: _time(row.system.seconds)),
    ]
    if any(system.int8_bytes is not None for system in board.systems):
        found.insert(1, ("int8 file", lambda row: _size(row.system.int8_bytes)))
    return found


def _told(board: Leaderboard, system: System) -> Iterator[str]:
    """Return what differs, but not what the system's title says already."""
    keys = [key for key in board.differing if title_of(key) not in {"model", "features"}]
    for key in keys[:MOST_COLUMNS]:
        yield f"{title_of(key)}={value_of(system.settings, key, 24)}"
    if len(keys) > MOST_COLUMNS:
        yield f"and {len(keys) - MOST_COLUMNS} more settings"


def _runs(system: System) -> str:
    many = len(system.runs)
    named = system.runs[0].name if many == 1 else f"{many} runs"
    return f"{named}, {system.repetitions}"


def _accuracy(system: System, part: str) -> str:
    return f"{_spread(system.score(part))}\n{_bounds(system.interval(part))}"


def _spread(found: SeedSummary) -> str:
    spread = "" if found.deviation is None else f" ± {found.deviation:.3f}"
    return f"{found.mean:.3f}{spread}"


def _bounds(interval: tuple[float, float], sign: str = "") -> str:
    return "[{:{sign}.3f}, {:{sign}.3f}]".format(*interval, sign=sign)


def _difference(verdict: Verdict | None) -> str:
    if verdict is None:
        return "best"
    pairing = verdict.pairing
    if pairing.difference is None:
        return pairing.reason
    mean, bounds = pairing.difference.mean, _bounds(pairing.difference.interval, "+")
    compared = "{} : {} runs".format(*pairing.compared)
    return f"{mean:+.3f}\n{bounds}\n{pairing.tracks} tracks, {compared}"


def _chance(verdict: Verdict | None) -> str:
    test = verdict.pairing.mcnemar if verdict else None
    if verdict is None or test is None:
        return DASH
    runs = " :\n".join(name.rpartition("-")[2] for name in verdict.pairing.runs)
    p_values = f"permutation {_p(verdict.p)}\nMcNemar {_p(verdict.p_mcnemar)}"
    return f"{p_values}\n{test.only_first} : {test.only_second}\n{runs}"


def _p(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _size(size: int | None) -> str:
    return DASH if size is None else kilobytes(size)


def _time(spent: SeedSummary | None) -> str:
    if spent is None:
        return DASH
    spread = "" if spent.deviation is None else f"\n± {duration(spent.deviation)}"
    return f"{duration(spent.mean)}{spread}"
