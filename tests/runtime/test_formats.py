"""Predictions as a table, as JSON and as CSV, written a file at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from genrecls.errors import ConfigError, DataError
from genrecls.runtime.abstention import ALWAYS, Abstention
from genrecls.runtime.description import ModelDescription
from genrecls.runtime.formats import Layout, as_live_json, live_csv_header, result_text
from genrecls.runtime.live import Moment
from genrecls.runtime.result import Result
from genrecls.safe_text import from_spreadsheet

LABELS = ("blues", "jazz", "rock & [roll]")
GOOD = Result(
    Path('my music/böse, "laut".wav'),
    1,
    np.array([0.25, 0.7, 0.05]),
    np.array([0.0, 2.9999999]),
    np.array([3.0, 5.5]),
    np.array([[0.2, 0.8, 0.0], [0.3, 0.6, 0.1]]),
)
BAD = Result(Path("[red]bad.wav"), error="silent: every sample is zero")


HOSTILE = "=1+1\x1b[2J\n\u202egnp"
HARMLESS = "=1+1\\u001b[2J\\n\\u202egnp"


def model(*labels: str) -> ModelDescription:
    return ModelDescription(
        labels, "mean", "run-1", "audio int8", "toy", "split", generated=False, accuracy=0.5
    )


def written(
    layout: Layout,
    *results: Result,
    width: int | None = None,
    abstention: Abstention = ALWAYS,
) -> str:
    text = io.StringIO()
    paths = [result.path for result in results]
    result_text(layout, model(*LABELS), paths, width, abstention).write(results, text.write)
    return text.getvalue()


def test_json_is_a_list_with_an_object_a_file() -> None:
    good, bad = json.loads(written("json", GOOD, BAD))
    assert good == {
        "path": 'my music/böse, "laut".wav',
        "model": "run-1 (audio int8)",
        "genre": "jazz",
        "probabilities": {"blues": 0.25, "jazz": 0.7, "rock & [roll]": 0.05},
        "segments": [
            {
                "start": 0.0,
                "end": 3.0,
                "probabilities": {"blues": 0.2, "jazz": 0.8, "rock & [roll]": 0.0},
            },
            {
                "start": 3.0,
                "end": 5.5,
                "probabilities": {"blues": 0.3, "jazz": 0.6, "rock & [roll]": 0.1},
            },
        ],
    }
    assert bad == {
        "path": "[red]bad.wav",
        "model": "run-1 (audio int8)",
        "error": "silent: every sample is zero",
    }


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_json_never_holds_what_is_no_number(value: float) -> None:
    bad = replace(GOOD, segments=np.array([[0.2, 0.8, 0.0], [0.3, value, 0.1]]))
    with pytest.raises(DataError, match="expected finite probabilities and times"):
        written("json", GOOD, bad)
    moment = Moment(0.0, 1.0, np.array([0.5, value, 0.5]))
    with pytest.raises(DataError, match="expected finite probabilities and times"):
        as_live_json(moment, LABELS)


def test_json_of_nothing_is_an_empty_list() -> None:
    assert json.loads(written("json")) == []


def test_csv_has_a_header_and_a_line_a_file() -> None:
    rows = list(csv.reader(io.StringIO(written("csv", GOOD, BAD))))
    genres = [f"probability:{label}" for label in LABELS]
    shares = ["0.25", "0.7", "0.05"]
    assert rows == [
        ["path", "genre", "error", "model", *genres],
        [str(GOOD.path), "jazz", "", "run-1 (audio int8)", *shares],
        ["[red]bad.wav", "", "silent: every sample is zero", "run-1 (audio int8)", "", "", ""],
    ]


@pytest.mark.parametrize("label", ["path", "genre", "error", "model", "start", "end", "true"])
def test_a_genre_of_any_name_has_a_column_of_its_own(label: str) -> None:
    labels = (label, "probability:jazz")
    for head in (result_text("csv", model(*labels), ()).head.rstrip(), live_csv_header(labels)):
        columns = next(csv.reader([head]))
        assert len(set(columns)) == len(columns)


def test_the_table_shows_the_best_genres_and_the_reasons() -> None:
    head, good, bad = written("table", GOOD, BAD).splitlines()
    assert head.split() == ["file", "genre", "probability", "then"]
    assert good.split("  ")[0] == str(GOOD.path)
    assert good.endswith("jazz                  0.70  blues 0.25, rock & [roll] 0.05")
    assert bad.split() == ["[red]bad.wav", "-", *["silent:", "every", "sample", "is", "zero"]]
    assert good.index("jazz") == bad.index("-") == head.index("genre")


def test_a_long_path_has_a_line_of_its_own_on_a_narrow_terminal() -> None:
    path = Path("音楽/" + "a long name " * 8 + ".wav")
    long = Result(path, 1, GOOD.probabilities, GOOD.starts, GOOD.ends, GOOD.segments)
    head, first, second, _ = written("table", long, BAD, width=80).splitlines()
    assert first == str(path)
    assert second.index("jazz") == head.index("genre")
    assert len(second) <= 80


@pytest.mark.parametrize("count", [1, 2])
def test_few_genres_fit_into_the_table(count: int) -> None:
    found = Result(Path("a.wav"), 0, np.eye(count)[0], np.zeros(1), np.ones(1), np.eye(count)[:1])
    assert "1.00" in result_text("table", model(*LABELS[:count]), [found.path]).item(found)


@pytest.mark.parametrize("layout", get_args(Layout))
def test_no_layout_lets_a_name_reach_the_terminal_raw(layout: Layout) -> None:
    result = Result(Path(HOSTILE), error=f"unreadable: {HOSTILE}")
    text = written(layout, result)
    assert not {"\x1b", "\u202e"} & set(text)
    assert len(text.splitlines()) == len(written(layout, BAD).splitlines())
    if layout == "json":
        assert json.loads(text)[0]["path"] == HOSTILE
    if layout == "csv":
        cell = list(csv.reader(io.StringIO(text)))[1][0]
        assert (cell, from_spreadsheet(cell)) == (f"'{HARMLESS}", HARMLESS)


@pytest.mark.parametrize("layout", get_args(Layout))
def test_every_layout_takes_a_file_whose_name_is_no_text(layout: Layout) -> None:
    odd = Result(Path(b"caf\xe9.wav".decode("utf-8", "surrogateescape")), error="short: x")
    assert "caf\\udce9.wav" in written(layout, odd)
    written(layout, odd).encode("utf-8")


def test_json_gives_a_name_that_is_no_text_back() -> None:
    odd = Path(b"caf\xe9.wav".decode("utf-8", "surrogateescape"))
    (found,) = json.loads(written("json", Result(odd, error="short: x")))
    assert Path(found["path"]) == odd


@pytest.mark.parametrize("layout", get_args(Layout))
def test_results_are_written_as_they_come_and_whole_after_an_interrupt(layout: Layout) -> None:
    pieces: list[str] = []

    def results() -> Iterator[Result]:
        yield GOOD
        assert "jazz" in pieces[-1]
        yield BAD
        raise KeyboardInterrupt

    text = result_text(layout, model(*LABELS), [GOOD.path, BAD.path])
    with pytest.raises(KeyboardInterrupt):
        text.write(results(), pieces.append)
    assert "".join(pieces) == written(layout, GOOD, BAD)


def test_what_a_model_is_not_sure_of_is_unknown() -> None:
    sure, unsure = Abstention(least=0.7), Abstention(least=0.71)
    assert json.loads(written("json", GOOD, abstention=sure))[0]["genre"] == "jazz"
    (answer,) = json.loads(written("json", GOOD, abstention=unsure))
    assert answer["genre"] is None
    assert answer["probabilities"]["jazz"] == 0.7
    _, row = csv.reader(io.StringIO(written("csv", GOOD, abstention=unsure)))
    assert row[1] == "unknown"
    head, line = written("table", GOOD, abstention=unsure).splitlines()
    assert line[head.index("genre") :].split()[:2] == ["unknown", "0.70"]


def test_a_genre_called_unknown_has_no_answer_that_looks_like_it() -> None:
    odd, sure = model("jazz", "unknown"), Abstention(least=0.7)
    for layout in ("table", "csv"):
        result_text(layout, odd, ())
        with pytest.raises(ConfigError, match=f"--format {layout}: .* use --format json"):
            result_text(layout, odd, (), None, sure)
    result_text("json", odd, (), None, sure)


def test_sets_of_genres_have_the_most_probable_first() -> None:
    sets = Abstention(in_set=0.2)
    good, bad = json.loads(written("json", GOOD, BAD, abstention=sets))
    assert (good["genre"], good["set"]) == ("jazz", ["jazz", "blues"])
    assert "set" not in bad
    head, row, failed = csv.reader(io.StringIO(written("csv", GOOD, BAD, abstention=sets)))
    assert row[head.index("set")] == "jazz; blues"
    assert len(head) == len(row) == len(failed)
    table = written("table", GOOD, abstention=sets)
    assert "one of" in table
    assert "jazz 0.70, blues 0.25" in table
