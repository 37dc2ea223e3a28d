"""The table of `genrecls evaluate robustness=`: a row a degradation, a column a file."""

from __future__ import annotations

from collections.abc import Mapping

from genrecls.evaluation.degradations import STANDARD
from genrecls.evaluation.robustness import CLEAN, RobustnessScore
from genrecls.reports.tables import Column, Table


def degradation_title(name: str) -> str:
    """Return what a degradation is called in tables and figures."""
    return CLEAN if name == CLEAN else STANDARD[name].title


def robustness_table(scores: Mapping[str, Mapping[str, RobustnessScore]], title: str) -> Table:
    """Return the scores by file and degradation as a table."""
    first = next(iter(scores.values()))
    return Table(
        columns=("tracks", *(Column(file, "number") for file in scores)),
        rows=[
            [degradation_title(name), *(_cell(by_name[name]) for by_name in scores.values())]
            for name in first
        ],
        title=title,
        notes=(
            (
                "Accuracy per track with its 95 % interval; below it the difference to the clean "
                "tracks, paired, with its interval. A star marks one whose p is below 0.05."
            ),
        ),
        ruled=True,
    )


def _cell(score: RobustnessScore) -> str:
    low, high = score.interval
    text = f"{score.accuracy:.3f} [{low:.2f}, {high:.2f}]"
    if score.difference is None:
        return text
    low, high = score.difference.interval
    star = "*" if score.difference.p < 0.05 else ""
    return f"{text}\n{score.difference.mean:+.3f} [{low:+.2f}, {high:+.2f}]{star}"
