from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from genrecls.comparison import compare
from genrecls.console import show
from genrecls.finished import read
from genrecls.report.comparison import Comparison, about, as_csv, as_html, as_markdown, as_table
from genrecls.report.curves import learning_curves
from genrecls.report.heatmap import genre_map
from tests.finished_runs import Made, finished_run

BEST = Made(validation=(1, 1), test=(1,) * 30)
WORSE = replace(BEST, model="rnn", validation=(0, 1), test=(1,) * 20 + (0,) * 10)
LEAKY = replace(BEST, split={"name": "segment"}, leaks=["track", "artist"])


def comparison(root: Path, *made: Made) -> Comparison:
    runs = [read(finished_run(root, f"run-{number}", one)) for number, one in enumerate(made)]
    boards = compare(runs, "validation", "test")
    return Comparison(boards, "validation", "test", "genrecls compare 'run*'", {"numpy": "2"})


def texts(figure: Figure) -> list[str]:
    figure.savefig(io.BytesIO(), format="png", dpi=40)
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_a_table_names_data_split_leak_part_and_unit(tmp_path: Path) -> None:
    found = comparison(tmp_path, LEAKY)
    named = "made · split segment (LEAKY) · 2 validation tracks, 30 test tracks · per track"
    assert about(found.boards[0]) == named
    for text in (as_markdown(found), as_html(found, _figures(found))):
        assert named in text
    (record,) = csv.DictReader(io.StringIO(as_csv(found)))
    assert (record["data"], record["split"]) == ("made", "segment (LEAKY)")


def test_markdown_holds_difference_interval_and_corrected_p(tmp_path: Path) -> None:
    text = as_markdown(comparison(tmp_path, BEST, WORSE))
    assert "| 1 | cnn mfcc<br>run-0, seed 0 | 1.000 | 1.000<br>[0.500, 1.000] |" in text
    assert "-0.333<br>[-0.500, -0.167]<br>30 tracks, 1 : 1 runs" in text
    assert "McNemar 0.002<br>0 : 10" in text
    assert "    genrecls compare 'run*'" in text


def test_the_csv_holds_all_numbers_in_full(tmp_path: Path) -> None:
    best, worse = csv.DictReader(io.StringIO(as_csv(comparison(tmp_path, BEST, WORSE))))
    assert (best["rank"], best["difference"], best["mcnemar_p"]) == ("1", "", "")
    assert float(worse["difference"]) == pytest.approx(-1 / 3)
    assert float(worse["mcnemar_p"]) == pytest.approx(2 / 2**10)
    assert (worse["mcnemar_only_this"], worse["mcnemar_only_best"]) == ("0", "10")
    assert worse["ranked_by"] == "validation accuracy per track"


def test_what_cannot_be_compared_says_why_in_the_table(tmp_path: Path) -> None:
    found = comparison(tmp_path, BEST, replace(WORSE, first=27))
    assert "other test tracks: 3 of 30 in common" in as_markdown(found)


def test_choosing_by_test_is_called_what_it_is(tmp_path: Path) -> None:
    found = comparison(tmp_path, BEST, WORSE)
    assert "the test part took no part in the choice" in found.note
    assert "CAUTION: ranked by test accuracy" in replace(found, by="test").note
    assert "flatters" in replace(found, part="validation").note


def test_the_terminal_shows_every_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(as_table(comparison(tmp_path, BEST, WORSE, LEAKY)))
    out = capsys.readouterr().out
    assert "split artist" in out
    assert "split segment (LEAKY)" in out
    assert "[-0.500, -0.167]" in out


def test_the_page_loads_nothing_and_shows_hostile_names_as_text(tmp_path: Path) -> None:
    found = comparison(tmp_path, replace(BEST, model="<script>$x$"))
    html = as_html(found, _figures(found))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "http" not in html.replace("http-equiv", "")
    assert html.count('src="data:image/png;base64,') == 2


def test_curves_have_a_row_a_table_and_a_colour_a_system(tmp_path: Path) -> None:
    found = comparison(tmp_path, BEST, replace(BEST, seed=1), WORSE, LEAKY)
    figure = learning_curves(found.boards)
    written = texts(figure)
    assert {"made · split artist", "made · split segment (LEAKY)", "rnn mfcc"} <= set(written)
    lines = [line for line in figure.axes[0].lines if len(np.asarray(line.get_xdata())) > 1]
    assert len(lines) == 3
    colours = {line.get_color() for line in lines}
    assert len(colours) == 2
    assert figure.axes[4].lines[0].get_color() in colours


def test_more_systems_than_colours_are_drawn(tmp_path: Path) -> None:
    many = [replace(BEST, settings={"width": width}) for width in range(12)]
    assert "cnn mfcc model.width=11" in texts(learning_curves(comparison(tmp_path, *many).boards))


def test_a_genre_map_holds_f1_of_every_system_and_genre(tmp_path: Path) -> None:
    figure = genre_map(comparison(tmp_path, BEST, WORSE).boards, "test")
    shades = np.asarray(figure.axes[0].images[0].get_array())
    assert shades.tolist() == [[1, 1], [pytest.approx(2 / 3)] * 2]
    assert {"jazz", "rock", "cnn mfcc", "rnn mfcc", "1.00", "0.67"} <= set(texts(figure))
    assert "test part, per track · F1, mean over the runs of a system" in texts(figure)


def _figures(found: Comparison) -> dict[str, Figure]:
    return {
        "learning_curves": learning_curves(found.boards),
        "genres": genre_map(found.boards, found.part),
    }
