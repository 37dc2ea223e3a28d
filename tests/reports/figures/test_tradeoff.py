from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from genrecls.reports.figures.tradeoff import points, scope, tradeoff
from genrecls.reports.numbers import kilobytes, milliseconds
from genrecls.runs.export_facts import KerasFile
from tests.export.exported_facts import (
    EVERY,
    benchmark_facts,
    export_facts,
    kept,
    lost,
    part_scores,
)


def drawn(figure: Figure) -> Figure:
    figure.draw_without_rendering()
    return figure


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in drawn(figure).findobj(Text) if text.get_text()]


def dots(figure: Figure) -> list[int]:
    """Return the number of markers of each panel."""
    panels = [axes for axes in figure.axes if axes.axison]
    return [sum(isinstance(item, PathCollection) for item in axes.collections) for axes in panels]


def overlapping(figure: Figure, titles: list[str]) -> list[tuple[str, str]]:
    found = [text for text in drawn(figure).findobj(Text) if text.get_text() in titles]
    boxes = [(text.get_text(), text.get_window_extent()) for text in found]
    return [
        (first, second)
        for index, (first, box) in enumerate(boxes)
        for second, other in boxes[index + 1 :]
        if box.overlaps(other)
    ]


def test_nine_points_are_all_named_without_overlaps() -> None:
    facts = export_facts([kept(variant, 40_000 + 10 * n) for n, variant in enumerate(EVERY)])
    measured = benchmark_facts(facts)
    figure = tradeoff(facts, measured)
    titles = [point.title for point in points(facts, measured)]
    assert len(titles) == 9
    assert set(titles) <= set(texts(figure))
    assert overlapping(figure, titles) == []
    assert dots(figure) == [9, 9]


def test_one_point_is_enough_and_size_alone_without_latency() -> None:
    figure = tradeoff(export_facts([]), None)
    assert "Keras · 0.810 · 980 kB" in texts(figure)
    assert "Accuracy against size" in texts(figure)
    assert dots(figure) == [1]


def test_files_that_were_not_kept_have_no_point() -> None:
    facts = export_facts([kept(EVERY[0]), lost(EVERY[1], "rejected", "wrong")])
    assert [point.file for point in points(facts, None)] == ["model.keras", EVERY[0].file]


def test_nothing_known_gives_a_notice() -> None:
    assert "no files" in texts(tradeoff(export_facts([], keras=None), None))


@pytest.mark.parametrize(
    ("leaks", "mark"), [((), ""), (("artist",), " (artists shared)"), (("track",), " (LEAKY)")]
)
def test_the_split_is_named_with_its_leak(leaks: tuple[str, ...], mark: str) -> None:
    facts = export_facts(leaks=leaks, split="some")
    named = f"made-mfcc-cnn-1234abcd · made, test part, per track · split some{mark}"
    assert scope(facts) == named
    assert named in texts(tradeoff(facts, None))
    assert scope(replace(facts, generated=True)) == f"{named} · generated data"


def test_the_latency_is_that_of_the_fewest_threads_and_names_the_machine() -> None:
    facts = export_facts([kept(EVERY[0])])
    measured = benchmark_facts(facts, (1, 2))
    assert [point.latency for point in points(facts, measured)] == [8, 8]
    figure = tradeoff(facts, measured)
    assert any(text.endswith("latency: A Processor, 1 thread") for text in texts(figure))
    assert "ms a segment, features and inference" in texts(figure)


def test_inference_alone_is_called_so() -> None:
    facts = export_facts([kept(EVERY[0])])
    measured = benchmark_facts(facts)
    for row in measured["rows"]:
        row["features_ms"] = None
    assert "ms a segment, inference" in texts(tradeoff(facts, measured))


def test_files_without_a_measurement_stand_in_the_panel_of_sizes_alone() -> None:
    facts = export_facts([kept(EVERY[0]), kept(EVERY[1])])
    measured: dict[str, Any] = benchmark_facts(facts)
    measured["rows"] = measured["rows"][:2]
    assert dots(tradeoff(facts, measured)) == [3, 2]


@pytest.mark.parametrize("interval", [(0.72, 0.89), (0.3, 1.0)])
def test_the_axis_of_accuracies_shows_the_interval_and_does_not_magnify_less(
    interval: tuple[float, float],
) -> None:
    files = [kept(EVERY[0], accuracy=0.805), kept(EVERY[1], accuracy=0.8)]
    facts = export_facts(files, keras=KerasFile(part_scores(0.81), 980_000, interval=interval))
    figure = tradeoff(facts, benchmark_facts(facts))
    for axes in (axes for axes in figure.axes if axes.axison):
        low, high = axes.get_ylim()
        assert low < interval[0] < interval[1] < high
        assert high - low < 1.3 * (interval[1] - interval[0])
    assert texts(figure).count("95\u00a0% interval of Keras") == 2


def test_without_an_interval_a_point_more_or_less_looks_like_little() -> None:
    figure = tradeoff(export_facts([kept(EVERY[0], accuracy=0.8)]), None)
    low, high = figure.axes[0].get_ylim()
    assert high - low == pytest.approx(0.2)
    assert not any("interval" in text for text in texts(figure))


def test_files_far_apart_are_all_on_the_axis() -> None:
    facts = export_facts([kept(EVERY[0], accuracy=0.2), kept(EVERY[1], accuracy=0.95)])
    low, high = tradeoff(facts, None).axes[0].get_ylim()
    assert low < 0.2
    assert high > 0.95


def test_numbers_are_written_with_as_many_digits_as_they_deserve() -> None:
    assert [kilobytes(size) for size in (41_230, 1_640_000)] == ["41.2 kB", "1\u202f640 kB"]
    shown = [milliseconds(value) for value in (0.271, 3.42, 120.4)]
    assert shown == ["0.27 ms", "3.4 ms", "120 ms"]
