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
    text = written.getvalue().replace("┃", "│")
    rows = [line.split("│") for line in text.splitlines() if "│" in line]
    return [[cell.strip() for cell in row[1:-1]] for row in rows]


def test_accuracy_and_macro_f1_stand_above_their_interval_and_the_majority_baseline() -> None:
    scores = replace(metrics_of(Made()).test.track, macro_f1=0.7, macro_f1_interval=(0.25, 0.9))
    rows = lines(PartMetrics(scores, scores, BASELINE))
    assert rows[:5] == [
        ["score", "test, per segment", "test, per track"],
        ["accuracy", "0.750", "0.750"],
        ["95 % interval", "0.375-1.000", "0.375-1.000"],
        ["majority baseline", "0.402", "0.391"],
        ["macro-F1", "0.700", "0.700"],
    ]
    assert rows[5:7] == [
        ["95 % interval", "0.250-0.900", "0.250-0.900"],
        ["majority baseline", "0.187", "0.187"],
    ]


def test_a_result_of_the_first_version_has_a_dash_for_what_it_lacks() -> None:
    test = replace(metrics_of(Made()).test, baseline={})
    rows = lines(test)
    assert rows.count(["majority baseline", "-", "-"]) == 2
    assert rows.count(["95 % interval", "-", "-"]) == 1


def test_all_scores_of_a_run_have_room_at_80_columns() -> None:
    made = metrics_of(Made())
    written = StringIO()
    table = score_table({"validation": made.validation, "test": made.test})
    Console(width=80, file=written).print(table.to_terminal())
    for whole in ("validation,", "per segment", "majority baseline", "0.375-1.000", "0.250-1.000"):
        assert whole in written.getvalue()
