from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from genrecls.runtime.formats import FORMATS, as_csv, as_json, as_table
from genrecls.runtime.result import Result

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


def test_json_is_a_list_with_an_object_a_file() -> None:
    good, bad = json.loads(as_json([GOOD, BAD], LABELS))
    assert good == {
        "path": 'my music/böse, "laut".wav',
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
    assert bad == {"path": "[red]bad.wav", "error": "silent: every sample is zero"}


def test_json_of_nothing_is_an_empty_list() -> None:
    assert json.loads(as_json([], LABELS)) == []


def test_csv_has_a_header_and_a_line_a_file() -> None:
    rows = list(csv.reader(io.StringIO(as_csv([GOOD, BAD], LABELS))))
    assert rows == [
        ["path", "genre", "error", *LABELS],
        [str(GOOD.path), "jazz", "", "0.250000", "0.700000", "0.050000"],
        ["[red]bad.wav", "", "silent: every sample is zero", "", "", ""],
    ]
    assert not as_csv([GOOD], LABELS).endswith("\n")


def test_the_table_shows_the_best_genres_and_the_reasons() -> None:
    console = Console(width=200, file=io.StringIO(), record=True, color_system=None)
    console.print(as_table([GOOD, BAD], LABELS))
    lines = console.export_text().splitlines()
    good = next(line for line in lines if "böse" in line)
    bad = next(line for line in lines if "[red]bad.wav" in line)
    assert "jazz" in good
    assert "0.70" in good
    assert "blues 0.25, rock & [roll] 0.05" in good
    assert "silent: every sample is zero" in bad


@pytest.mark.parametrize("count", [1, 2])
def test_few_genres_fit_into_the_table(count: int) -> None:
    console = Console(width=120, file=io.StringIO(), record=True)
    found = Result(Path("a.wav"), 0, np.eye(count)[0], np.zeros(1), np.ones(1), np.eye(count)[:1])
    console.print(as_table([found], LABELS[:count]))
    assert "1.00" in console.export_text()


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_a_file_whose_name_is_no_text(name: str) -> None:
    odd = Result(Path(b"caf\xe9.wav".decode("utf-8", "surrogateescape")), error="short: x")
    console = Console(width=120, file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    console.print(FORMATS[name]([odd], LABELS), markup=False)


def test_json_gives_a_name_that_is_no_text_back() -> None:
    odd = Path(b"caf\xe9.wav".decode("utf-8", "surrogateescape"))
    (found,) = json.loads(as_json([Result(odd, error="short: x")], LABELS))
    assert Path(found["path"]) == odd
