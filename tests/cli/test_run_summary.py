from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from genrecls.cli.run_summary import score_table
from tests.reports.finished_run import metrics_of

COLUMNS = [("test", "segment"), ("test", "track")]


def lines(parts: dict[str, Any]) -> list[list[str]]:
    """Return the cells of the table, row by row."""
    written = StringIO()
    console = Console(width=120, file=written)
    console.print(score_table(parts, COLUMNS))
    rows = [line.split("│") for line in written.getvalue().splitlines() if "│" in line]
    return [[cell.strip() for cell in row[1:-1]] for row in rows]


def test_accuracy_macro_f1_and_the_majority_baseline_stand_below_each_other() -> None:
    rows = lines(metrics_of(("blues", "jazz"), 2)["parts"])
    assert [row[0] for row in rows[:3]] == ["accuracy", "macro-F1", "majority baseline"]
    assert rows[2][1:] == ["0.402, macro-F1 0.187", "0.391, macro-F1 0.187"]


def test_a_result_from_before_there_was_a_baseline_has_a_dash() -> None:
    parts = metrics_of(("blues", "jazz"), 2)["parts"]
    del parts["test"]["baseline"]
    assert ["majority baseline", "-", "-"] in lines(parts)
