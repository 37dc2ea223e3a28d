"""The answer of a comparison or a sweep: leaderboards shown, drawn and written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genrecls.comparison.leaderboard import EvaluatedPart, Failed, Leaderboard, compare
from genrecls.console import say, show
from genrecls.environment import environment
from genrecls.files.atomic import write_text
from genrecls.runs.record import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def leaderboard(
    runs: Sequence[RunRecord],
    folder: Path,
    command: str,
    failed: Sequence[Failed] = (),
    by: EvaluatedPart = "validation",
    part: EvaluatedPart = "test",
) -> tuple[Leaderboard, ...]:
    """Show the leaderboards of runs and write `comparison.{csv,md,html}` and the figures.

    Args:
        runs: one a configuration, seed and fold, as `newest` leaves them; there may be none.
        folder: where everything is written.
        command: the command line that made it.
        failed: runs without scores, listed below the tables.
        by: the part whose accuracy per track ranks.
        part: the part on which systems are tested against the best.
    """
    from genrecls.reports.comparison import Comparison, as_html, as_markdown, as_table
    from genrecls.reports.comparison_csv import as_csv
    from genrecls.reports.style import save

    boards = compare(runs, by, part)
    found = Comparison(boards, by, part, command, environment(), tuple(failed))
    show(as_table(found))
    figures = draw(boards, part) if boards else {}
    for name, figure in figures.items():
        save(figure, folder / f"{name}.png")
    write_text(folder / "comparison.csv", as_csv(found))
    write_text(folder / "comparison.md", as_markdown(found))
    write_text(folder / "comparison.html", as_html(found, figures))
    say(f"written to {folder}")
    return boards


def draw(boards: Sequence[Leaderboard], part: EvaluatedPart) -> dict[str, Figure]:
    """Return the figures of at least one leaderboard, by name."""
    from genrecls.reports.figures.genre_heatmap import genre_map
    from genrecls.reports.figures.learning_curves import learning_curves
    from genrecls.reports.figures.parameters import accuracy_by_parameters
    from genrecls.reports.figures.scores import accuracies

    return {
        "scores": accuracies(boards),
        "parameters": accuracy_by_parameters(boards, part),
        "learning_curves": learning_curves(boards),
        "genres": genre_map(boards, part),
    }
