"""One page that says everything about a finished run and needs nothing but itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genrecls.files.templates import templates
from genrecls.reports.banners import banners
from genrecls.reports.numbers import count, decimal, duration, interval, known, percent
from genrecls.reports.run_figures import draw
from genrecls.reports.style import data_uri
from genrecls.reports.values import Report, Scope, Scores

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

_MOST_MISTAKES, _MOST_REJECTED = 50, 100
_ROWS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("Scored", "count", count),
    ("Accuracy", "accuracy", percent),
    ("95 % interval of accuracy", "accuracy_interval", interval),
    ("Macro-F1", "macro_f1", decimal),
    ("Accuracy of the majority baseline", "baseline_accuracy", percent),
    ("Macro-F1 of the majority baseline", "baseline_macro_f1", decimal),
    ("Accuracy of the first three answers", "top3_accuracy", percent),
    ("Area under the ROC curve", "roc_auc", decimal),
    ("Log loss", "log_loss", decimal),
    ("Calibration error", "calibration_error", decimal),
)


@dataclass(frozen=True)
class _Column:
    """One part and unit; `key` ties its numbers to its head in the page."""

    part: str
    unit: str
    key: str
    scope: Scope
    scores: Scores


def render(report: Report, figures: Mapping[str, Figure] | None = None) -> str:
    """Return the page as HTML.

    Args:
        report: what the page is about.
        figures: figures by name, as `figures.draw` makes them; drawn here when not given.
    """
    drawn = draw(report) if figures is None else figures
    page = (
        environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            metrics=report.metrics,
            banners=banners(report.metrics),
            headline=report.scores("test", "track"),
            baseline=report.baseline("test", "track"),
            scope=report.scope("test", "track"),
            columns=_columns(report),
            rows=_ROWS,
            mistakes=report.mistakes[:_MOST_MISTAKES],
            wrong=_wrong(report),
            rejected=report.metrics["rejected"][:_MOST_REJECTED],
            figures={name: data_uri(figure) for name, figure in drawn.items()},
        )
    )
    return printable(page)


def printable(page: str) -> str:
    """Return `page` without what no encoding can write, as which Python keeps bad file names."""
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def environment() -> Environment:
    """Return what fills in the templates of this package."""
    written = {"decimal": decimal, "percent": percent, "interval": interval}
    filters = {**written, "amount": count, "duration": duration}
    made = templates("genrecls.reports", "templates", filters, html=True)
    made.tests["known"] = known
    return made


def _columns(report: Report) -> list[_Column]:
    """Return every part and unit that has scores, test first: it is what is looked for."""
    parts = sorted(report.metrics["parts"], key=lambda part: part != "test")
    return [
        _Column(part, unit, f"{part}-{unit}", report.scope(part, unit), _scores(report, part, unit))
        for part in parts
        for unit in ("track", "segment")
        if report.scores(part, unit)
    ]


def _scores(report: Report, part: str, unit: str) -> dict[str, Any]:
    """Return the scores of the model and, under names of their own, those of the baseline."""
    baseline = {f"baseline_{key}": value for key, value in report.baseline(part, unit).items()}
    return {**report.scores(part, unit), **baseline}


def _wrong(report: Report) -> int:
    """Return the number of wrong tracks, of which the report may list only the worst."""
    confusion = report.scores("test", "track").get("confusion", [])
    total = sum(map(sum, confusion))
    right = sum(row[index] for index, row in enumerate(confusion))
    return max(int(total - right), len(report.mistakes))
