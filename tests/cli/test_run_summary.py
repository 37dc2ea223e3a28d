from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from genrecls.cli.run_summary import score_table
from genrecls.evaluation.class_balance import MajorityBaseline
from genrecls.runs.metrics import PartMetrics
from tests.runs.finished_runs import Made, metrics_of

BASELINE = {
    "segment": MajorityBaseline("blues", 0.402, 0.187),
    "track": MajorityBaseline("blues", 0.391, 0.187),
}


def lines(test: PartMetrics) -> list[list[str]]:
    """Return the cells of the table, row by row."""
    written = StringIO()
    console = Console(width=120, file=written)
    console.print(score_table({"test": test}).to_terminal())
    rows = [line.split("│") for line in written.getvalue().splitlines() if "│" in line]
    return [[cell.strip() for cell in row[1:-1]] for row in rows]


def test_accuracy_macro_f1_and_the_majority_baseline_stand_below_each_other() -> None:
    rows = lines(replace(metrics_of(Made()).test, baseline=BASELINE))
    assert [row[0] for row in rows[:3]] == ["accuracy", "macro-F1", "majority baseline"]
    assert rows[2][1:] == ["0.402, macro-F1 0.187", "0.391, macro-F1 0.187"]


def test_a_result_from_before_there_was_a_baseline_has_a_dash() -> None:
    test = replace(metrics_of(Made()).test, baseline={})
    assert ["majority baseline", "-", "-"] in lines(test)
