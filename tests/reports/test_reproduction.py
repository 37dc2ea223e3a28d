"""The page of published systems and ours."""

from __future__ import annotations

from genrecls.comparison.reproduction import ReproducedSystem
from genrecls.reports.figures.reproduction import reported_and_ours
from genrecls.reports.reproduction import as_html
from tests.comparison.test_reproduction import FIGURE, scored
from tests.reports.page import faults


def test_the_page_is_read_on_a_narrow_screen() -> None:
    systems = [
        ReproducedSystem("one", FIGURE, {"published": scored(0.7, 0.72)}),
        ReproducedSystem("two", FIGURE, {}, missing="no data"),
    ]
    html = as_html(systems, "genrecls reproduce", {"numpy": "2"}, reported_and_ours(systems))
    assert faults(html) == []
