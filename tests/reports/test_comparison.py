from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from genrecls.comparison.leaderboard import Failed, compare
from genrecls.console import show
from genrecls.reports.comparison import (
    Comparison,
    as_csv,
    as_html,
    as_markdown,
    as_terminal,
    draw,
    paper_tables,
    write_comparison,
)
from genrecls.reports.figures.genre_heatmap import genre_map
from genrecls.reports.figures.learning_curves import learning_curves
from genrecls.reports.figures.parameters import accuracy_by_parameters
from genrecls.reports.figures.scores import accuracies
from genrecls.reports.leaderboard_tables import about
from genrecls.reports.tables import as_latex
from genrecls.runs.record import read
from tests.reports.page import Page, faults
from tests.runs.finished_runs import Made, finished_run

BEST = Made(validation=(1, 1), test=(1,) * 30)
WORSE = replace(BEST, model="rnn", validation=(0, 1), test=(1,) * 20 + (0,) * 10)
# As wide as the two columns of the IEEE.
PAPER = r"""
\documentclass[twocolumn]{article}
\usepackage{booktabs,tabularx}
\usepackage[textwidth=7.16in]{geometry}
\begin{document}
%s
\end{document}
"""
THIN, NARROW = "\u202f", "\u00a0"
LEAKY = replace(BEST, split={"name": "segment"}, leaks=["track", "artist"])


def comparison(root: Path, *made: Made) -> Comparison:
    runs = [read(finished_run(root, f"run-{number}", one)) for number, one in enumerate(made)]
    boards = compare(runs, "validation", "test")
    return Comparison(boards, "validation", "test", "genrecls compare 'run*'", {"numpy": "2"})


def texts(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.usefixtures("undrawn")
def test_the_documents_lead_to_the_reports_of_the_runs(tmp_path: Path) -> None:
    found = replace(comparison(tmp_path / "a b", BEST, WORSE), folder=tmp_path / "a b" / "out")
    assert found.reports == {}
    (tmp_path / "a b" / "run-0" / "report.html").touch()
    assert found.reports == {"run-0": "../run-0/report.html"}
    elsewhere = replace(found, folder=tmp_path / "out")
    assert elsewhere.reports == {"run-0": "../a%20b/run-0/report.html"}
    assert "- [run-0](../run-0/report.html)" in as_markdown(found)
    assert '<a href="../run-0/report.html">run-0</a>' in as_html(found, _figures(found))


@pytest.mark.usefixtures("undrawn")
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
    interval = "1.000<br>[0.500, 1.000]"
    assert f"| 1 | cnn mfcc<br>run-0, seed 0 | cnn | {interval} | {interval} |" in text
    assert "-0.333<br>[-0.512, -0.152]<br>30 tracks, 1 : 1 runs" in text
    assert "McNemar 0.002<br>0 : 10" in text
    assert "    genrecls compare 'run*'" in text


def test_the_csv_holds_all_numbers_in_full(tmp_path: Path) -> None:
    best, worse = csv.DictReader(io.StringIO(as_csv(comparison(tmp_path, BEST, WORSE))))
    assert (best["rank"], best["difference"], best["mcnemar_p"]) == ("1", "", "")
    assert float(worse["difference"]) == pytest.approx(-1 / 3)
    assert float(worse["mcnemar_p"]) == pytest.approx(2 / 2**10)
    assert (worse["mcnemar_only_this"], worse["mcnemar_only_best"]) == ("0", "10")
    assert (best["model"], worse["model"]) == ("cnn", "rnn")
    assert (best["parameters"], best["training_seconds"]) == ("1234", "60.0")
    assert worse["ranked_by"] == "validation accuracy per track"


def test_what_cannot_be_compared_says_why_in_the_table(tmp_path: Path) -> None:
    found = comparison(tmp_path, BEST, replace(WORSE, first=27))
    assert "other test tracks: 3 of 30 in common" in as_markdown(found)


def test_tables_and_figures_of_one_title_are_told_apart(tmp_path: Path) -> None:
    found = comparison(tmp_path, BEST, replace(BEST, fingerprint="g" * 8))
    named = "made · split artist · files gggggg"
    assert f"## {named} · 2 validation tracks" in as_markdown(found)
    assert all(named in texts(figure) for figure in _figures(found).values())
    *_, last = csv.DictReader(io.StringIO(as_csv(found)))
    assert last["told_apart_by"] == "files gggggg"


def test_the_names_of_tested_runs_stand_below_each_other_so_that_the_column_is_narrow(
    tmp_path: Path,
) -> None:
    assert "<br>0 : 10<br>1 :<br>0 |" in as_markdown(comparison(tmp_path, BEST, WORSE))


def test_choosing_by_test_is_called_what_it_is(tmp_path: Path) -> None:
    found = comparison(tmp_path, BEST, WORSE)
    assert "the test part took no part in the choice" in found.selection
    assert "CAUTION: ranked by test accuracy" in replace(found, by="test").selection
    assert "flatters" in replace(found, part="validation").selection


def test_the_terminal_shows_every_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(as_terminal(comparison(tmp_path, BEST, WORSE, LEAKY)))
    out = capsys.readouterr().out
    assert "split artist" in out
    assert "split segment (LEAKY)" in out
    assert "[-0.512, -0.152]" in out


def test_of_systems_that_tie_none_is_called_the_best(tmp_path: Path) -> None:
    alone, tied = (
        comparison(tmp_path / name, BEST, replace(other, model="rnn"))
        for name, other in (("a", WORSE), ("b", replace(BEST, test=(1,) * 20 + (0,) * 10)))
    )
    assert "best, tied" not in as_markdown(alone)
    assert "tie" not in alone.selection
    assert "best, tied<br>with 1 other |" in as_markdown(tied)
    assert tied.selection.startswith("Systems of one place tie, and none of them is better")


WIDE = replace(BEST, settings={"width": 32, "depth": 2}, int8=41_200)
FAILED = Failed(
    name="made-mfcc-vgg16-1a",
    title="model=vgg16 seed=3",
    reason="took 3.1 GB, more than job_memory_gb=2",
    log="logs/1a.log",
)


def test_each_differing_setting_has_a_column_and_no_other(tmp_path: Path) -> None:
    other = replace(BEST, settings={"width": 64, "depth": 2})
    head, _, first, *_ = _tables(as_markdown(comparison(tmp_path, WIDE, other)))
    assert head.startswith("|  | system | model.width | validation accuracy |")
    assert head.endswith("| parameters | int8 file | training time |")
    assert "| 32 |" in first
    assert first.endswith(f"| 1{THIN}234 | 41.2 kB | 1{NARROW}min 00{NARROW}s |")


def test_without_an_export_there_is_no_column_for_it(tmp_path: Path) -> None:
    assert "int8" not in as_markdown(comparison(tmp_path, BEST, WORSE))


def test_many_differing_settings_have_a_table_of_their_own(tmp_path: Path) -> None:
    made = [replace(BEST, settings=dict.fromkeys("abcdefg", value)) for value in (1, 2)]
    found = comparison(tmp_path, *made)
    text = as_markdown(found)
    assert "## What differs · made · split artist" in text
    # They tie, and are told apart by the ends of their runs' names.
    assert re.search(r"\|  \| 1 cnn mfcc \(\w+\) \| 1 cnn mfcc \(\w+\) \|", text)
    assert "| model.g | 1 | 2 |" in text
    assert next(csv.DictReader(io.StringIO(as_csv(found))))["model.g"] == "1"


@pytest.mark.usefixtures("undrawn")
def test_failed_runs_are_listed_below_the_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = replace(comparison(tmp_path, BEST), failed=(FAILED,))
    show(as_terminal(found))
    for text in (as_markdown(found), as_html(found, _figures(found)), capsys.readouterr().out):
        assert "1 failed run" in text
        assert text.index("cnn mfcc") < text.index(FAILED.title) < text.index(FAILED.log)
        assert FAILED.name in text
    *_, last = csv.DictReader(io.StringIO(as_csv(found)))
    told = [last[key] for key in ("state", "runs", "training", "reason", "log")]
    assert told == ["failed", FAILED.name, FAILED.title, FAILED.reason, FAILED.log]


def test_where_every_run_failed_nothing_is_ranked() -> None:
    found = Comparison((), "validation", "test", "genrecls sweep", {}, (FAILED,))
    assert "No run is finished, so there is nothing to rank." in as_markdown(found)
    assert ".png" not in as_markdown(found)
    assert "<figure" not in as_html(found, {})
    assert as_csv(found).startswith("state,runs,training,reason,log\nfailed,")


def test_a_terminal_names_settings_below_the_system(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show(as_terminal(comparison(tmp_path, WIDE, replace(WIDE, settings={"width": 64, "depth": 2}))))
    out = capsys.readouterr().out
    assert "model.width=32" in out
    assert "int8 file 41.2 kB" in out


def test_the_page_loads_nothing_and_shows_hostile_names_as_text(tmp_path: Path) -> None:
    found = comparison(tmp_path, replace(BEST, model="<script>$x$"))
    html = as_html(found, _figures(found))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "http" not in html.replace("http-equiv", "")
    assert html.count('src="data:image/png;base64,') == 4


@pytest.mark.usefixtures("undrawn")
def test_the_page_is_read_on_a_narrow_screen_and_its_notes_are_folded(tmp_path: Path) -> None:
    found = comparison(tmp_path, BEST, WORSE)
    html = as_html(replace(found, failed=(FAILED,)), _figures(found))
    assert faults(html) == []
    assert Page(html).texts("details")[0].count("95 % intervals") == 1
    assert max(map(len, Page(html).texts("p"))) < 120


def test_curves_have_a_row_a_table_and_a_colour_a_system(tmp_path: Path) -> None:
    found = comparison(tmp_path, BEST, replace(BEST, seed=1), WORSE, LEAKY)
    figure = learning_curves(found.boards)
    written = texts(figure)
    assert {"made · split artist", "made · split segment (LEAKY)", "2  rnn mfcc"} <= set(written)
    lines = [line for line in figure.axes[0].lines if len(np.asarray(line.get_xdata())) > 1]
    assert len(lines) == 3
    colours = {line.get_color() for line in lines}
    assert len(colours) == 2
    assert figure.axes[5].lines[0].get_color() in colours


def test_more_systems_than_colours_are_drawn(tmp_path: Path) -> None:
    many = [replace(BEST, settings={"width": width}) for width in range(12)]
    assert "1  cnn mfcc width=11" in texts(learning_curves(comparison(tmp_path, *many).boards))


def test_a_genre_map_holds_f1_of_every_system_and_genre(tmp_path: Path) -> None:
    figure = genre_map(comparison(tmp_path, BEST, WORSE).boards, "test")
    shades = np.asarray(figure.axes[0].images[0].get_array())
    assert shades.tolist() == [[1, 1], [pytest.approx(2 / 3)] * 2]
    assert {"jazz", "rock", "1  cnn mfcc", "2  rnn mfcc", "1.00", "0.67"} <= set(texts(figure))
    assert "test part, per track · F1, mean over the runs of a system" in texts(figure)


def test_a_long_heading_is_read_in_full(tmp_path: Path) -> None:
    name = "folds_of_a_collection " * 12
    found = comparison(tmp_path, replace(BEST, split={"name": name.strip()}))
    for figure in _figures(found).values():
        assert "split" in "".join(texts(figure))
        (head,) = (t for t in figure.findobj(Text) if t.get_text().startswith("made · split"))
        assert " ".join(head.get_text().split()) == found.boards[0].about
        assert figure.bbox.containsx(head.get_window_extent().x1)


def test_scores_are_drawn_with_intervals_and_runs(tmp_path: Path) -> None:
    found = comparison(tmp_path, BEST, replace(BEST, seed=1, test=(1,) * 15 + (0,) * 15), WORSE)
    figure = accuracies(found.boards)
    drawn = [np.asarray(line.get_xdata()).tolist() for line in figure.axes[0].lines]
    # Two runs have a line, their own dots and a mean; one run has no dots of its own.
    assert [len(x) for x in drawn] == [2, 2, 1, 2, 2, 1, 2, 1, 2, 1]
    assert drawn[4:6] == [[1.0, 0.5], [0.75]]
    assert {"1  cnn mfcc", "2  rnn mfcc", "validation", "test"} <= set(texts(figure))


def test_accuracy_against_parameters_has_a_point_a_system(tmp_path: Path) -> None:
    found = comparison(tmp_path, BEST, replace(WORSE, parameters=98_765))
    written = texts(accuracy_by_parameters(found.boards, found.part))
    assert f"1  cnn mfcc · 1.000 · 1{THIN}234" in written
    assert f"2  rnn mfcc · 0.667 · 98{THIN}765" in written


def test_a_model_without_parameters_is_drawn(tmp_path: Path) -> None:
    found = comparison(tmp_path, replace(BEST, parameters=0))
    assert any(text.endswith("· 0") for text in texts(accuracy_by_parameters(found.boards, "test")))


KILLED = Failed("made-mfcc-vgg16-1a", "killed by signal 9", "logs/1a.log", "model=vgg16")


def test_a_leaderboard_is_shown_written_and_returned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = (Made(), Made(model="rnn"))
    runs = [read(finished_run(tmp_path, f"run-{i}", one)) for i, one in enumerate(made)]
    (board,) = write_comparison(runs, tmp_path / "out", "genrecls sweep model=cnn,rnn", [KILLED])
    assert [system.title for system in board.systems] == ["cnn mfcc", "rnn mfcc"]
    assert "killed by signal 9" in capsys.readouterr().out
    for name in ("scores", "parameters", "learning_curves", "genres"):
        assert (tmp_path / "out" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8")
    assert "    genrecls sweep model=cnn,rnn" in text
    latex = (tmp_path / "out" / "comparison.tex").read_text(encoding="utf-8")
    assert "made by: genrecls sweep model=cnn,rnn" in latex
    assert r"\toprule" in latex
    for linked in re.findall(r"\]\((.+?)\)", text):
        assert (tmp_path / "out" / linked).is_file()


@pytest.mark.usefixtures("undrawn")
def test_a_difference_over_some_of_the_runs_has_the_accuracies_that_it_is_between(
    tmp_path: Path,
) -> None:
    alone = replace(WORSE, seed=1, test=(1,) * 20)
    text = as_markdown(comparison(tmp_path, BEST, WORSE, alone))
    assert "0.833 ± 0.236" in text
    assert "-0.333<br>[-0.512, -0.152]<br>30 tracks, 1 : 1 runs<br>of these 0.667 and 1.000" in text
    assert "of these" not in as_markdown(comparison(tmp_path / "two", BEST, WORSE))


def test_the_table_of_a_paper_is_short_and_names_no_runs(tmp_path: Path) -> None:
    seeds = [replace(one, seed=seed) for one in (BEST, WORSE) for seed in (0, 1)]
    (table,) = paper_tables(comparison(tmp_path, *seeds))
    assert [head.name for head in table.heads] == [
        "System",
        "Accuracy",
        "F1",
        "Difference",
        "Weights",
    ]
    assert table.title == "Made; split artist; 30 test tracks."
    (best, worse) = table.rows
    assert best[0] == "1. cnn mfcc"
    assert best[1:4] == ["1.000 ± 0.000\n[0.886, 1.000]", "1.000\n± 0.000", "\u2013"]
    assert worse[0] == "2. rnn mfcc"
    assert re.fullmatch(r"-0\.333\n\[-0\.\d+, -0\.\d+]\np (< 0\.001|= 0\.\d+)", worse[3])
    assert "Ranked by validation accuracy" in table.notes[0]
    assert "run-0" not in table.to_latex()


@pytest.mark.process
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
def test_the_table_of_a_paper_fits_a_column(tmp_path: Path) -> None:
    made = [
        replace(one, seed=seed)
        for one in (BEST, replace(WORSE, model="a_long_name_of_a_model"))
        for seed in (0, 1)
    ]
    table = as_latex(paper_tables(comparison(tmp_path, *made)), "genrecls compare")
    (tmp_path / "paper.tex").write_text(PAPER % table, encoding="utf-8")
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Overfull" not in done.stdout


def test_a_paper_says_why_systems_are_not_compared(tmp_path: Path) -> None:
    other = replace(WORSE, seed=1, test=(1,) * 20)
    (table,) = paper_tables(comparison(tmp_path, BEST, other))
    assert table.rows[1][3] == "\u2013"
    assert "\u2013: " in table.notes[0]


def test_where_every_run_failed_their_reasons_are_written(tmp_path: Path) -> None:
    assert write_comparison([], tmp_path, "genrecls sweep", [KILLED]) == ()
    assert {path.name for path in tmp_path.iterdir()} == {
        "comparison.csv",
        "comparison.md",
        "comparison.html",
        "comparison.tex",
    }
    assert "killed by signal 9" in (tmp_path / "comparison.html").read_text(encoding="utf-8")


def _tables(markdown: str) -> list[str]:
    return [line for line in markdown.splitlines() if line.startswith("|")]


def _figures(found: Comparison) -> dict[str, Figure]:
    return draw(found.boards, found.part)
