"""Every value of `metrics.json` is held to its type and its range when it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from genrecls.errors import RunError
from genrecls.evaluation.class_balance import MajorityBaseline
from genrecls.evaluation.metrics import CalibrationBin
from genrecls.runs.metrics import VERSION, PartCounts, RejectedFile, RunMetrics
from genrecls.runs.published import Published
from tests.runs.finished_runs import GENRES, Made, metrics_of

Place = tuple[str | int, ...]
SINCE_VERSION_2 = {"macro_f1_interval", "cluster", "clusters", "absent", "calibration"}


def full_metrics() -> RunMetrics:
    """Return metrics none of whose tables is empty and none of whose scores is absent."""
    made = metrics_of(Made())
    scores = replace(
        made.test.track,
        top3_accuracy=1.0,
        roc_auc=0.5,
        macro_f1_interval=(0.25, 0.75),
        cluster="artist",
        clusters=3,
        absent=("rock",),
        calibration=(CalibrationBin(0, None, None), CalibrationBin(4, 0.8, 0.75)),
    )
    baseline = {unit: MajorityBaseline("jazz", 0.5, 0.3) for unit in ("segment", "track")}
    part = replace(made.test, segment=scores, track=scores, baseline=baseline)
    counts = PartCounts(4, 40, {unit: dict.fromkeys(GENRES, 2) for unit in ("segment", "track")})
    return replace(
        made,
        published=Published("karam", "cnn", 0.8, "80 %", 10, "track", "none", "artist"),
        parts={"validation": part, "test": part},
        split=replace(made.split, counts={"train": counts}),
        rejected=(RejectedFile("t", "t.wav", "length-mismatch", "too short"),),
    )


def places(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield the place of every single value in plain values."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, dict | list):
            yield from places(item, (*place, key))
        else:
            yield (*place, key), item


PLAIN = json.dumps(full_metrics().to_json())
NUMBERS = [
    place
    for place, item in places(json.loads(PLAIN))
    if type(item) in {int, float} and place != ("version",)
]
TEXTS = [place for place, item in places(json.loads(PLAIN)) if isinstance(item, str)]


def changed(place: Place, value: Any) -> Any:
    """Return the metrics as plain values, with another value in one place."""
    whole = inner = json.loads(PLAIN)
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return whole


def first_version(version: int | None) -> Any:
    """Return the metrics as plain values, as the first version wrote them."""
    whole = json.loads(PLAIN)
    for part in whole["parts"].values():
        for unit in ("segment", "track"):
            part[unit] = {k: v for k, v in part[unit].items() if k not in SINCE_VERSION_2}
    whole["version"] = version
    return whole if version else {k: v for k, v in whole.items() if k != "version"}


def refusal(values: Any) -> str:
    """Return why metrics are refused."""
    with pytest.raises(RunError) as caught:
        RunMetrics.from_json(values)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_whole_metrics_come_back_from_json() -> None:
    assert RunMetrics.from_json(json.loads(PLAIN)) == full_metrics()


@pytest.mark.parametrize(
    "value", [float("inf"), float("-inf"), float("nan"), "1", True, [1], {}], ids=str
)
def test_no_number_of_metrics_is_infinite_or_of_another_type(value: Any) -> None:
    for place in NUMBERS:
        assert refusal(changed(place, value)).startswith(str(place[0]))


def test_no_number_of_metrics_is_negative_but_what_was_watched() -> None:
    for place in NUMBERS:
        if place[-1] != "value":
            assert str(place[-1]) in refusal(changed(place, -1))


@pytest.mark.parametrize("place", [("model", "parameters"), ("model", "macs")])
def test_no_count_is_larger_than_a_figure_can_show(place: Place) -> None:
    assert refusal(changed(place, 10**400)).startswith("model.")


def test_no_score_is_above_1() -> None:
    scores = {"accuracy", "macro_f1", "precision", "recall", "f1", "roc_auc", "top3_accuracy"}
    chosen = [place for place in NUMBERS if place[-1] in {*scores, "calibration_error"}]
    assert {place[-1] for place in chosen} == {*scores, "calibration_error"}
    for place in chosen:
        assert str(place[-1]) in refusal(changed(place, 1.01))


@pytest.mark.parametrize("value", [3, None, ["a"]])
def test_no_text_of_metrics_is_anything_else(value: Any) -> None:
    for place in TEXTS:
        if place[-1] == "cluster" and value is None:
            continue
        refusal(changed(place, value))


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (("parts", "test", "track", "accuracy_interval"), [0.9, 0.1], "lower bound first"),
        (("parts", "test", "track", "accuracy_interval"), [0.1], "accuracy_interval"),
        (("parts", "test", "track", "confusion"), [[1, 0]], "confusion: expected 2 rows of 2"),
        (("parts", "test", "segment", "confusion"), [[1], [0]], "confusion: expected 2 rows of 2"),
        (("parts", "test", "track", "per_genre"), {}, "per_genre: expected the genres of labels"),
        (("labels",), [], "labels: expected different genres, received []"),
        (("labels",), ["jazz", "jazz"], "labels: expected different genres"),
        (("selection", "epoch"), 0, "selection.epoch: expected one of 3 epochs, received 0"),
        (("selection", "epoch"), 4, "selection.epoch: expected one of 3 epochs, received 4"),
        (("selection", "keep"), "some", "selection.keep: received 'some'; allowed: best, last"),
        (("parts",), {}, "parts: expected validation and test"),
        (("version",), 3, "expected version 1 or 2, received 3"),
        (("version",), True, "expected version 1 or 2, received True"),
        (("version",), [], "expected version 1 or 2, received []"),
        (("parts", "test", "track", "cluster"), "album", "allowed: track, artist"),
        (("parts", "test", "track", "macro_f1_interval"), [0.9, 0.1], "lower bound first"),
    ],
)
def test_values_that_contradict_each_other_are_refused(
    place: Place, value: Any, reason: str
) -> None:
    assert reason in refusal(changed(place, value))


@pytest.mark.parametrize("values", [None, [], "text", 3, {}])
def test_what_holds_no_scores_at_all_is_refused(values: Any) -> None:
    assert refusal(values)


def test_a_key_of_a_later_version_is_passed_over() -> None:
    assert RunMetrics.from_json(changed(("later",), 1)) == full_metrics()


def test_the_version_is_written() -> None:
    assert json.loads(PLAIN)["version"] == VERSION == 2


@pytest.mark.parametrize("version", [1, None])
def test_the_first_version_is_read_and_what_it_lacks_is_null(version: int | None) -> None:
    read = RunMetrics.from_json(first_version(version))
    for part in read.parts.values():
        assert [getattr(part.track, name) for name in SINCE_VERSION_2] == [None] * 5
    assert read.test.track.accuracy == full_metrics().test.track.accuracy


def test_the_genres_that_a_part_lacks_are_known_of_the_first_version_too() -> None:
    content = first_version(1)
    content["parts"]["test"]["track"]["per_genre"]["rock"]["support"] = 0
    assert RunMetrics.from_json(content).test.track.left_out == ("rock",)
