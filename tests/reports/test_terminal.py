"""Tables are readable at any width: no word or number is broken, what is absent is named."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from genrecls.console import show
from genrecls.reports.tables import Column, Table
from genrecls.reports.terminal import wrapped

RUN = "gtzan_kaggle-log_mel_spectrogram-crnn-7d7e653a"
RUNS = Table(
    (
        "run",
        Column("split", spare=1),
        Column("95 % interval", "number", spare=2),
        Column("parameters", "number", spare=3),
    ),
    [(RUN, "artist", "[0.648, 0.836]", "57\u202f607"), ("synth", "track", "[0, 1]", "1")],
)


def shown(table: Table, width: int) -> str:
    """Return what a terminal of that width shows."""
    written = StringIO()
    Console(width=width, file=written).print(table.to_terminal())
    lines = written.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    return "\n".join(line.rstrip() for line in lines)


def test_with_room_for_all_nothing_is_left_out() -> None:
    text = shown(RUNS, 120)
    for whole in (RUN, "artist", "[0.648, 0.836]", "57\u202f607"):
        assert whole in text
    assert "no room" not in text


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (80, "parameters"),
        (70, "95 % interval, parameters"),
        (55, "split, 95 % interval, parameters"),
    ],
)
def test_what_has_no_room_is_left_out_whole_and_named(width: int, left_out: str) -> None:
    text = shown(RUNS, width)
    assert RUN in text
    assert f"no room here for: {left_out};" in " ".join(text.split())


def test_what_fits_in_no_table_is_a_list() -> None:
    text = shown(
        Table(("run", "system", Column("score", "number")), [(RUN, "a b", "1\u202f234")]), 60
    )
    assert text.splitlines() == [RUN, "  system  a b", "  score   1\u202f234"]


def test_a_list_begins_with_the_place_and_keeps_all_lines_of_a_cell() -> None:
    columns = ("", "system", Column("accuracy", "number"))
    rows = [("1", f"cnn mfcc\n{RUN}, seed 0", "0.500\n[0.250, 1.000]"), ("2", "rnn", "-")]
    assert shown(Table(columns, rows), 50).splitlines() == [
        "1  cnn mfcc",
        "  gtzan_kaggle-log_mel_spectrogram-crnn-7d7e653a,",
        "  seed 0",
        "  accuracy  0.500  [0.250, 1.000]",
        "",
        "2  rnn",
        "  accuracy  -",
    ]


def test_texts_are_wrapped_at_words_and_only_paths_are_cut() -> None:
    path = "/music/" + "folder/" * 20 + "a.wav"
    text = shown(
        Table((Column("file", "path"), "reason"), [(path, "a reason of seven whole words")]), 60
    )
    for word in ("reason", "seven", "whole", "words"):
        assert word in text
    assert "/music/" in text
    assert "a.wav" in text.replace("\n", "")


def test_a_pipe_gets_every_column_and_no_line_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    many = Table([f"column {n}" for n in range(60)], [["x" * 30] * 60], notes=["word " * 200])
    show(many.to_terminal())
    out = capsys.readouterr().out.splitlines()
    assert "column 59" in out[1]
    assert out[3].count("x" * 30) == 60
    assert len(out) == 6


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("one two", 7, "one two"),
        ("one two", 6, "one\ntwo"),
        ("57\u202f607 parameters", 10, "57\u202f607\nparameters"),
        ("日本 のポップ", 6, "日本\nのポッ\nプ"),
        ("abcdef", 4, "abcd\nef"),
        ("a\nb", 1, "a\nb"),
        ("", 5, ""),
    ],
)
def test_lines_break_at_plain_spaces_alone(text: str, width: int, expected: str) -> None:
    assert wrapped(text, width) == expected
