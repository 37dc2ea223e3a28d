"""Below scores it is said what their intervals rest on and what they leave out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from genrecls.reports.score_notes import score_notes
from genrecls.runs.metrics import PartMetrics
from tests.runs.finished_runs import Made, metrics_of


def part(**values: Any) -> PartMetrics:
    """Return scores of a part, with other values of both units."""
    scores = replace(metrics_of(Made()).test.track, **values)
    return PartMetrics(scores, scores)


def test_it_is_said_what_the_intervals_take_as_independent() -> None:
    parts = {
        "validation": part(cluster="artist", clusters=9),
        "test": part(cluster="artist", clusters=11),
    }
    assert score_notes(parts)[0] == (
        "Intervals hold 95 % and take artists as independent: 9 in the validation part, 11 in the "
        "test part (Wilson)."
    )


def test_the_first_version_had_intervals_by_bootstrap() -> None:
    assert score_notes({"test": part()})[0] == "Intervals hold 95 %, by bootstrap over tracks."


def test_genres_that_a_part_lacks_are_named_with_what_leaves_them_out() -> None:
    made = metrics_of(Made()).test.track
    lacking = {**made.per_genre, "rock": replace(made.per_genre["rock"], support=0)}
    notes = score_notes({"validation": part(), "test": part(per_genre=lacking)})
    assert [note for note in notes if "leave out" in note] == [
        "Macro-F1 and ROC-AUC of the test part leave out the genre without a track in it: rock."
    ]


def test_a_calibration_error_that_is_not_shown_is_explained_and_one_that_is_needs_no_note() -> None:
    hidden = score_notes({"test": part(clusters=499)})
    assert any("15 bins" in note and "below 500 independent" in note for note in hidden)
    assert not any("15 bins" in note for note in score_notes({"test": part(clusters=500)}))
